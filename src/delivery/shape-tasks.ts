/** Gives the tasks of an event their shapes before any of them is sent or held. */
import { PosthornError } from '../errors.ts'
import type { Parts } from '../parts.ts'
import { shapeOf } from './shape.ts'
import type { Task, TaskGroup } from './task.ts'

/** How soon an event is expanded again for subscriptions that it could not be shaped for. */
const AGAIN_MS = 60_000
const encoder = new TextEncoder()

/**
 * The tasks with their own bodies and headers; `dropped` are those for which `transform` gives null. One that cannot be shaped is left out, and the group marked: its row then goes back to the queue, so that a
 * corrected host delivers it after all; the others are not kept waiting.
 */
export async function shapeTasks(
  group: TaskGroup,
  tasks: readonly Task[],
  parts: Parts,
): Promise<{ readonly shaped: readonly Task[]; readonly dropped: readonly Task[] }> {
  const dropped: Task[] = []
  const shaped: Task[] = []
  for (const task of tasks) {
    const { subscription } = task.target
    try {
      const shape = subscription === null ? undefined : await shapeOf(task.event, subscription, parts)
      if (shape === null) dropped.push(task)
      else if (shape === undefined) shaped.push(task)
      else shaped.push(withShape(task, shape))
    } catch (error) {
      if (!(error instanceof PosthornError)) throw error
      parts.report.problem('transform', error)
      group.unfinished = true
      group.againMs = AGAIN_MS
    }
  }
  return { shaped, dropped }
}

function withShape(task: Task, shape: Pick<Task['delivery'], 'body' | 'headers'>): Task {
  const body = shape.body === null ? task.body : encoder.encode(shape.body)
  return { ...task, body, delivery: { ...task.delivery, body: shape.body, headers: shape.headers } }
}
