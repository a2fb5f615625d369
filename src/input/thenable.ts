/** Tells promises from values, whatever made them: a test runner's realm and older libraries have promises of their own. */

/** True for anything with a `then`. */
export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
