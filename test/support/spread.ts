/**
 * The order of test files. Those that take a minute or two, mostly waiting for processes and leases, are spread among the others, so that
 * each has its turn while the others compute, and none of them is left for the end: by its size alone, which is what vitest knows of a
 * fresh checkout, each would come last.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const WAITING = /\/(torture|cli|package)\/|\/examples\/command\./
/** The last of them begins when so much of the others has. */
const SHARE = 0.7

/** Vitest's sequencer, with the waiting files spread. */
export class Spread extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const waiting = sorted.filter(({ moduleId }) => WAITING.test(moduleId))
    const others = sorted.filter((file) => !waiting.includes(file))
    const every = Math.max(1, Math.floor((SHARE * others.length) / Math.max(1, waiting.length)))
    const spread = waiting.flatMap((file, index) => [
      file,
      ...others.slice(index * every, (index + 1) * every),
    ])
    return [...spread, ...others.slice(waiting.length * every)]
  }
}
