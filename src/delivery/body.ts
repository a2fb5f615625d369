/**
 * Turns a body into the one text that is stored, signed and sent. Refuses what JSON would lose or what
 * receivers could not verify; the error names the place and never the value.
 */
import { PosthornError } from '../errors.ts'
import { ignoreRejection, isThenable } from '../input/thenable.ts'
import { findUnpairedSurrogate, findUnserialisable } from './body-problem.ts'

/**
 * The JSON text of `value`.
 *
 * @param maxBytes the largest allowed size of the text in UTF-8.
 * @throws PosthornError PAYLOAD_NOT_SERIALISABLE (BigInt, cycle, throwing getter or toJSON, nothing at the root,
 *   unpaired surrogates, nested too deeply) or PAYLOAD_TOO_LARGE.
 */
export function serialise(value: unknown, maxBytes: number): { readonly text: string } {
  checkRoot(value, '')
  const text = stringify(value, maxBytes)
  // Unpaired surrogates come out of JSON.stringify as \udXXX; receivers decode them each in their own way.
  if (/\\u[dD]|\p{Surrogate}/u.test(text)) {
    const path = findUnpairedSurrogate(text)
    if (path !== null) {
      throw notSerialisable(path, 'holds an unpaired surrogate. Repair the text with toWellFormed() first')
    }
  }
  // A UTF-16 unit takes 1 to 3 bytes, so most bodies need no counting.
  if (text.length * 3 > maxBytes) {
    const size = new TextEncoder().encode(text).length
    if (size > maxBytes) throw tooLarge(String(size), maxBytes)
  }
  return { text }
}

/**
 * Refuses what JSON would leave out or write as `{}`: nothing, a function, a symbol, a promise that nobody awaited.
 *
 * @throws PosthornError PAYLOAD_NOT_SERIALISABLE
 */
export function checkRoot(value: unknown, path: string): void {
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol')
    throw notSerialisable(path, `is ${typeof value}, which JSON cannot hold. Publish null or an object`)
  if (!isThenable(value)) return
  ignoreRejection(value)
  throw notSerialisable(path, 'is a promise. Await it first')
}

function stringify(value: unknown, maxBytes: number): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    if (cause instanceof RangeError && /string length/i.test(cause.message)) {
      throw tooLarge('more than half a billion', maxBytes)
    }
    const { path, problem } = findUnserialisable(value)
    throw notSerialisable(path, problem, cause)
  }
  if (text !== undefined) return text
  throw notSerialisable(
    '',
    'gives undefined from its toJSON, which JSON cannot hold. Publish null or an object',
  )
}

function notSerialisable(path: string, problem: string, cause?: unknown): PosthornError {
  const place = path === '' ? 'the body itself' : path
  const message = `The payload cannot be sent as JSON: ${place} ${problem}.`
  return new PosthornError('PAYLOAD_NOT_SERIALISABLE', message, { path, cause })
}

function tooLarge(size: string, maxBytes: number): PosthornError {
  const message = `The body is ${size} bytes, the limit is ${maxBytes}. Send a reference to the data, or raise maxBodyBytes.`
  return new PosthornError('PAYLOAD_TOO_LARGE', message)
}
