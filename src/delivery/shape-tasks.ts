/** Gives the tasks of an event their shapes before any of them is sent or held. */
import { PosthornError } from '../errors.ts'
import type { Parts } from '../parts.ts'
import { makingMs } from './lease-time.ts'
import { type Shape, shapeOf } from './shape.ts'
import type { Task, TaskGroup } from './task.ts'

/** How soon an event is expanded again for subscriptions that it could not be shaped for. */
const AGAIN_MS = 60_000
const encoder = new TextEncoder()

/**
 * The tasks with their own bodies and headers; `dropped` are those for which `transform` gives null. One that cannot be shaped is
 * left out, and the group marked: its row then goes back to the queue, so that a corrected host delivers it after all; the others are
 * not kept waiting. All are shaped at once: one after the other, two that take their time would use up the lease of all.
 */
export async function shapeTasks(
  group: TaskGroup,
  tasks: readonly Task[],
  parts: Parts,
): Promise<{ readonly shaped: readonly Task[]; readonly dropped: readonly Task[] }> {
  const shapes = await Promise.all(tasks.map((task) => shapeIn(task, parts)))
  const dropped: Task[] = []
  const shaped: Task[] = []
  for (const [index, task] of tasks.entries()) {
    const shape = shapes[index]
    if (shape === undefined) {
      group.unfinished = true
      group.againMs = AGAIN_MS
    } else if (shape === null) dropped.push(task)
    else shaped.push(shape === 'own' ? task : withShape(task, shape))
  }
  return { shaped, dropped }
}

/** Null: nothing is to be sent; undefined: it could not be shaped; `own`: it goes as it is. */
async function shapeIn(task: Task, parts: Parts): Promise<Shape | null | undefined | 'own'> {
  const { subscription } = task.target
  if (subscription === null) return 'own'
  try {
    return await shapeOf(task.event, subscription, parts, makingMs(parts))
  } catch (error) {
    if (!(error instanceof PosthornError)) throw error
    parts.report.problem('transform', error)
    return undefined
  }
}

function withShape(task: Task, shape: Shape): Task {
  const body = shape.body === null ? task.body : encoder.encode(shape.body)
  return { ...task, body, delivery: { ...task.delivery, body: shape.body, headers: shape.headers } }
}
