/** Child processes that are asked questions: an answer, or an error when the child ends or takes too long. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** Ends with its parent; see `ask`. */
export function start(child: ChildProcess): ChildProcess {
  child.on('error', () => {})
  return child
}

/** The next message of a child. */
export function message<Answer>(child: ChildProcess, deadlineMs = 30_000): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => done(() => reject(new Error(`no answer within ${deadlineMs / 1000} s`))),
      deadlineMs,
    )
    const onMessage = (answer: unknown) => done(() => resolve(answer as Answer))
    const onExit = (code: number | null, signal: string | null) =>
      done(() => reject(new Error(`the process ended (${signal ?? code}) without an answer`)))
    function done(settle: () => void): void {
      clearTimeout(timer)
      child.off('message', onMessage)
      child.off('exit', onExit)
      settle()
    }
    child.once('message', onMessage)
    child.once('exit', onExit)
  })
}

/** Asks and waits. */
export function ask<Answer>(child: ChildProcess, question: object, deadlineMs?: number): Promise<Answer> {
  const answer = message<Answer>(child, deadlineMs)
  child.send(question)
  return answer
}

/** Ends a child and waits until it is gone. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
