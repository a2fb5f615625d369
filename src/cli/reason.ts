/** What an error says. A host with two addresses that both refuse is told by Node without a message: theirs say it. */
export function reason(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reason).join('; ')
  return error instanceof Error ? error.message : String(error)
}
