/** The fresh process of one measurement: makes the contender, measures, answers once and ends. */
import type { DatabaseOfRun } from './contender.ts'
import { entrantNamed } from './contenders/index.ts'
import { type Figures, type Measure, measure } from './measure.ts'
import type { ReceiverPorts, Work } from './work.ts'

/** What the parent asks for. */
export interface Task {
  readonly entrant: string
  readonly measure: Measure
  readonly work: Work
  readonly warmUp: number
  readonly ports: ReceiverPorts
  readonly receiverPid: number
  readonly database: DatabaseOfRun | null
}

/** What it gets. */
export type Answer = { readonly figures: Figures } | { readonly error: string }

async function run(task: Task): Promise<Answer> {
  const { work, ports, database } = task
  const { create, variant } = entrantNamed(task.entrant)
  const contender = await create({ work, ports, database, variant })
  const { warmUp, receiverPid } = task
  const figures = await measure(task.measure, contender, { work, warmUp, receiverPid, store: database })
  await contender.close()
  return { figures }
}

process.once('message', (task: Task) => {
  run(task)
    .catch(
      (error: unknown): Answer => ({ error: error instanceof Error ? (error.stack ?? '') : String(error) }),
    )
    .then((answer) => process.send?.(answer, () => process.exit(0)))
})
