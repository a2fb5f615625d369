/** `unsigned()`: no signature and no secret, for receivers that trust a static header or the network. */

import { checkHeaderName, checkKnownKeys, invalid } from './check-spec.js'
import type { Scheme, UnsignedSpec, Verifier } from './scheme.js'
import { VerificationError } from './verification-error.js'

/** Options of `unsigned()`: headers to send all the same. None by default. */
export interface UnsignedOptions {
  readonly idHeader?: string
  readonly timestampHeader?: string
  readonly eventHeader?: string
}

/**
 * Sends no signature; id, timestamp and event type only where a header name is given. `verify` refuses it with
 * `scheme-cannot-verify`.
 *
 * @throws SigningError `scheme-invalid`
 */
export function unsigned(options: UnsignedOptions = {}): Scheme {
  const spec: UnsignedSpec = { ...lowerCase(options), scheme: 'unsigned' }
  checkKnownKeys(spec, ['scheme', 'idHeader', 'timestampHeader', 'eventHeader'])
  const names = Object.entries(spec).filter(([key]) => key !== 'scheme')
  for (const [key, name] of names) checkHeaderName(key, name)
  if (new Set(names.map(([, name]) => name)).size < names.length) throw invalid('a header is used twice')
  return { spec, ...noVerifier('unsigned') }
}

const lowerCase = (options: UnsignedOptions): UnsignedOptions =>
  Object.fromEntries(
    Object.entries(options)
      .filter(([, name]) => name !== undefined)
      .map(([key, name]) => [key, typeof name === 'string' ? name.toLowerCase() : name]),
  )

/** The verifier of a scheme that has nothing to verify. */
export function noVerifier(name: string): Verifier {
  const refuse = (): never => {
    throw new VerificationError(`scheme-cannot-verify: "${name}" has no verifier`)
  }
  return { key: refuse, read: refuse, match: refuse }
}
