/**
 * Revives a stored spec. Strict on purpose: a row of a newer version, or garbage, is a typed error and never a
 * request that goes out unsigned.
 */

import { checkHeaderPrefix, checkKnownKeys, invalid } from './check-spec.js'
import { builtInNames, customScheme } from './custom-scheme.js'
import { ed25519 } from './ed25519.js'
import { hmac } from './hmac.js'
import { checkHmacSpec } from './hmac-options.js'
import type { HmacSpec } from './hmac-spec.js'
import type { CustomScheme, Scheme, UnsignedSpec } from './scheme.js'
import { SigningError } from './signing-error.js'
import { standardWebhooks } from './standard-webhooks.js'
import { unsigned } from './unsigned.js'

/**
 * The scheme of a spec, as stored from `scheme.spec`.
 *
 * @param spec Parsed JSON of unknown origin.
 * @param customSchemes The custom schemes that this process knows.
 * @throws SigningError `scheme-unknown` naming the known ones, or `scheme-invalid` naming the field.
 */
export function schemeFrom(spec: unknown, customSchemes: readonly CustomScheme[] = []): Scheme {
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec))
    throw invalid('a scheme spec must be an object')
  const { scheme: name } = spec as { scheme?: unknown }
  switch (name) {
    case 'standard-webhooks':
      return standardWebhooks({ prefix: storedPrefix(spec) })
    case 'ed25519':
      return ed25519({ prefix: storedPrefix(spec) })
    case 'hmac':
      // Checked before defaults are filled in: a stored spec has every field, so a missing one is damage.
      checkHmacSpec(spec as HmacSpec)
      return hmac(withoutName(spec) as HmacSpec)
    case 'unsigned':
      return unsigned(withoutName(spec) as UnsignedSpec)
    case 'custom':
      return storedCustom(spec, customSchemes)
    default:
      throw unknownScheme(name, customSchemes)
  }
}

function storedPrefix(spec: object): string {
  checkKnownKeys(spec, ['scheme', 'prefix'])
  const { prefix } = spec as { prefix?: unknown }
  checkHeaderPrefix(prefix)
  return prefix
}

function withoutName(spec: object): object {
  const { scheme: _, ...options } = spec as { scheme?: unknown }
  return options
}

function storedCustom(spec: object, customSchemes: readonly CustomScheme[]): Scheme {
  checkKnownKeys(spec, ['scheme', 'name'])
  const { name } = spec as { name?: unknown }
  const found = customSchemes.find((custom) => custom.name === name)
  if (!found) throw unknownScheme(name, customSchemes)
  return customScheme(found)
}

function unknownScheme(name: unknown, customSchemes: readonly CustomScheme[]): SigningError {
  const shown = typeof name === 'string' ? `"${name.slice(0, 64)}"` : 'of no name'
  const known = [...builtInNames, ...customSchemes.map((custom) => custom.name)].join(', ')
  return new SigningError('scheme-unknown', `unknown scheme ${shown} (known: ${known})`)
}
