/** `customScheme()`: turns a scheme of the application's own into one that the rest of the library takes. */

import { checkHeaderName, invalid } from './check-spec.js'
import type { CustomScheme, Scheme } from './scheme.js'
import { noVerifier } from './unsigned.js'

/** Names that stored specs use for the schemes of this library. */
export const builtInNames: readonly string[] = ['standard-webhooks', 'ed25519', 'hmac', 'unsigned']

/**
 * @throws SigningError `scheme-invalid` when the definition's name or headers are wrong.
 * @example
 * customScheme({
 *   name: 'acme',
 *   headers: ['x-acme-token'],
 *   sign: (message, [secret]) => ({ 'x-acme-token': token(message.body, secret) }),
 * })
 */
export function customScheme(definition: CustomScheme): Scheme {
  const { name, headers, sign } = definition
  if (typeof name !== 'string' || !/^[a-z][a-z\d-]{0,63}$/.test(name))
    throw invalid('the name of a custom scheme must match [a-z][a-z0-9-]* and have at most 64 characters')
  if (builtInNames.includes(name)) throw invalid(`"${name}" is the name of a built-in scheme`)
  if (!Array.isArray(headers)) throw invalid(`custom scheme "${name}": headers must be a list of names`)
  for (const header of headers) checkHeaderName(`custom scheme "${name}": header`, header)
  if (typeof sign !== 'function') throw invalid(`custom scheme "${name}": sign must be a function`)
  return {
    spec: { scheme: 'custom', name },
    custom: definition,
    ...(definition.verifier ?? noVerifier(name)),
  }
}
