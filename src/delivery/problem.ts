/** Tells an operator that a step met an error and that the engine goes on. */
import { PosthornError } from '../errors.ts'
import type { Parts } from '../parts.ts'

/** Reports an error of the store, or of anything else that a step called. */
export function reportProblem({ report }: Pick<Parts, 'report'>, during: string, cause: unknown): void {
  const message = `The worker met an error (${during}) and goes on: ${cause instanceof Error ? cause.message : 'unknown'}`
  report.problem(during, new PosthornError('STORE_FAILED', message, { cause }))
}
