/**
 * Checks the shape of what a caller hands in: an object, with keys that we know, holding text that every store can
 * keep. A typing mistake is an error with "did you mean", never an option that is silently ignored.
 */

import { PosthornError } from '../errors.ts'
import { didYouMean } from './closest.ts'

/** An input error that names the field. */
export const invalidInput = (path: string, message: string): PosthornError =>
  new PosthornError('INVALID_INPUT', `${path} ${message}`, { path })

/**
 * The value as a plain record.
 *
 * @param what How messages call the value: `the subscription`, or its path where it is a part of something, for example `rate`.
 * @throws PosthornError INVALID_INPUT for anything but an object, or a key that is not in `known`.
 */
export function recordOf(
  value: unknown,
  known: readonly string[] | null,
  what: string,
): Record<string, unknown> {
  // A Map, a Date or a promise has no keys: what was meant with it would be lost without a word.
  if (
    typeof value !== 'object' ||
    value === null ||
    Object.prototype.toString.call(value) !== '[object Object]'
  )
    throw new PosthornError('INVALID_INPUT', `${what} must be a plain object`, { path: what })
  for (const key of Object.keys(value))
    if (known && !known.includes(key))
      throw new PosthornError(
        'INVALID_INPUT',
        `Unknown key "${key.slice(0, 64)}" in ${what}.${didYouMean(key, known)} Known: ${known.join(', ')}.`,
        { path: what.startsWith('the ') ? key.slice(0, 64) : `${what}.${key.slice(0, 64)}` },
      )
  return value as Record<string, unknown>
}

/**
 * Refuses what a factory would otherwise ignore: an option that it does not know, or a client in place of the options.
 *
 * @param call How the factory is called, for example `postgresStore({ client })`.
 * @param known Every option, so that none can be forgotten.
 * @throws PosthornError INVALID_OPTION
 */
export function refuseUnknownOptions<Options extends object>(
  call: string,
  options: Options,
  known: Readonly<Record<keyof Options, true>>,
): void {
  if (!isPlainObject(options))
    throw new PosthornError('INVALID_OPTION', `The options must be a plain object: \`${call}\`.`, {
      path: '',
    })
  const names = Object.keys(known)
  const unknown = Object.keys(options).find((key) => !names.includes(key))
  if (unknown === undefined) return
  const path = unknown.slice(0, 64)
  const message = `Unknown option \`${path}\` of \`${call}\`.${didYouMean(unknown, names)} Known: ${names.join(', ')}.`
  throw new PosthornError('INVALID_OPTION', message, { path })
}

/** Of whatever realm; what a class or a driver made is none. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

/**
 * Text of `min` to `max` characters (code points, as databases count them) without NUL and lone surrogates, which not every database can keep.
 *
 * @param what How messages call the value.
 * @throws PosthornError INVALID_INPUT
 */
export function textOf(value: unknown, path: string, min: number, max: number, what = path): string {
  const refuse = (message: string) => new PosthornError('INVALID_INPUT', `${what} ${message}`, { path })
  if (typeof value !== 'string') throw refuse('must be a string')
  const length = value.length > 4 * max ? value.length : [...value].length
  if (length < min || length > max) throw refuse(`must have ${min} to ${max} characters, not ${length}`)
  if (value.includes('\0') || /\p{Surrogate}/u.test(value))
    throw refuse('has a NUL or a lone surrogate, which a database cannot keep')
  return value
}

/**
 * A Date as milliseconds; undefined stays undefined.
 *
 * @throws PosthornError INVALID_INPUT
 */
export function instantOf(value: unknown, path: string): number | undefined {
  if (value === undefined) return undefined
  if (!(value instanceof Date) || Number.isNaN(value.getTime()))
    throw invalidInput(path, 'must be a valid Date')
  return value.getTime()
}
