/**
 * The order of test files. Those that take a minute or two, mostly waiting for processes and leases, begin first, and the others fill
 * the time beside them: by its size alone, which is what vitest knows of a fresh checkout, each would come last, and be waited for.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const WAITING = /\/(torture|cli|package)\//

/** Vitest's sequencer with the waiting files in front. */
export class WaitingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const waits = ({ moduleId }: TestSpecification) => WAITING.test(moduleId)
    return [...sorted.filter(waits), ...sorted.filter((file) => !waits(file))]
  }
}
