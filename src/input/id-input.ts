/** Ids that callers hand in: what cannot be one is not looked for, so that no store meets it. */

/** A job's id has its tenant's name in it where a store needs to know whose it is, quoted: at most this many characters. */
export const JOB_ID_LENGTH = 600

/** True for a text that could be an id: 1 to `max` characters without control characters and lone surrogates. */
export const isId = (value: unknown, max = 255): value is string =>
  typeof value === 'string' &&
  value.length >= 1 &&
  value.length <= max &&
  !/[\p{Cc}\p{Surrogate}]/u.test(value)

/** The value as a message shows it: at most 64 characters, and never what an object holds. */
export function shownId(value: unknown): string {
  if (typeof value === 'string') return `"${value.slice(0, 64)}"`
  return typeof value === 'number' ? String(value) : `(a value of type ${typeof value})`
}
