/** Tells promises from values, whatever made them: a test runner's realm and older libraries have promises of their own. */

/** True for anything with a `then`. What throws when it is looked at (a revoked proxy) is no promise. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  try {
    return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
  } catch {
    return false
  }
}

/** For a promise that is not awaited, because a value was due: should it reject, the process must not end of it. */
export function ignoreRejection(value: unknown): void {
  if (isThenable(value)) Promise.resolve(value).then(undefined, () => undefined)
}
