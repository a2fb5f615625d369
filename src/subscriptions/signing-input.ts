/**
 * Checks the signing schemes and secrets that a caller hands in, and issues secrets. Each scheme signs with the live secrets
 * of its kind (`validateSecret` decides), so schemes of different kinds need a secret each. No message holds a secret.
 */
import { PosthornError } from '../errors.ts'
import { recordOf } from '../input/known-keys.ts'
import type { JsonValue } from '../model.ts'
import type { Parts, SigningEntry } from '../parts.ts'
import { needsSecret } from '../signing/header-roles.ts'
import { mergeSigners } from '../signing/merge-signers.ts'
import type { Scheme } from '../signing/scheme.ts'
import { schemeFrom } from '../signing/scheme-from.ts'
import {
  acceptsSecret,
  type GeneratedSecret,
  generateSecret,
  publicKeyOf,
  validateSecret,
} from '../signing/secrets.ts'
import { SigningError } from '../signing/signing-error.ts'
import { standardWebhooks } from '../signing/standard-webhooks.ts'

/** One scheme, or several while receivers move from one to another; `until` is when a scheme stops signing. */
export type SigningInput = Scheme | readonly { readonly scheme: Scheme; readonly until?: Date | undefined }[]

/**
 * The schemes of a subscription: 1 to 5, of which one has no end.
 *
 * @throws PosthornError INVALID_INPUT
 */
export function signingEntriesOf(
  value: unknown,
  parts: Pick<Parts, 'customSchemes'>,
): readonly SigningEntry[] {
  const refuse = (message: string, cause?: unknown) =>
    new PosthornError('INVALID_INPUT', `signing: ${message}`, { path: 'signing', cause })
  const list: readonly unknown[] = Array.isArray(value) ? Array.from(value) : [{ scheme: value }]
  if (list.length < 1 || list.length > 5) throw refuse('give 1 to 5 schemes (unsigned() sends no signature)')
  try {
    const entries = list.map((item, index): SigningEntry => {
      const { scheme, until } = recordOf(item, ['scheme', 'until'], `signing[${index}]`)
      if (until !== undefined && !(until instanceof Date && Number.isFinite(until.getTime())))
        throw refuse(`\`until\` of scheme ${index} must be a valid Date`)
      if (typeof scheme !== 'object' || scheme === null || !('spec' in scheme))
        throw refuse('a scheme is made by standardWebhooks(), ed25519(), hmac(), … or customScheme()')
      return { scheme: schemeFrom(scheme.spec, parts.customSchemes), until: until?.getTime() ?? null }
    })
    if (entries.every(({ until }) => until !== null)) throw refuse('one scheme must have no `until`')
    mergeSigners(entries, [])
    return entries
  } catch (error) {
    throw error instanceof SigningError ? refuse(error.message, error) : error
  }
}

/**
 * The schemes of the option `signing` of `createWebhooks`.
 *
 * @throws PosthornError INVALID_OPTION
 */
export function signingOptionOf(
  value: SigningInput | undefined,
  parts: Pick<Parts, 'customSchemes'>,
): readonly SigningEntry[] {
  try {
    return signingEntriesOf(value ?? standardWebhooks(), parts)
  } catch (error) {
    if (!(error instanceof PosthornError)) throw error
    const { message, path = 'signing', cause } = error
    throw new PosthornError('INVALID_OPTION', `The option \`signing\` is wrong: ${message}`, { path, cause })
  }
}

/** What `settings.signing` keeps: `[{ spec, until }]`, `until` in milliseconds or null. */
export function storedSigning(entries: readonly SigningEntry[]): JsonValue {
  return JSON.parse(JSON.stringify(entries.map(({ scheme, until }) => ({ spec: scheme.spec, until }))))
}

/** The schemes that sign at `now` (ms) and need a secret. */
export function keyedSchemes(entries: readonly SigningEntry[], now: number): readonly Scheme[] {
  return entries
    .filter(({ until }) => until === null || until > now)
    .map(({ scheme }) => scheme)
    .filter(needsSecret)
}

/** A secret that was issued, and who signs with it. */
export interface IssuedSecret extends GeneratedSecret {
  /** Names of the schemes that sign with it, for example `standard-webhooks`. */
  readonly schemes: readonly string[]
}

/** The name of a scheme; a custom one's own. */
export const schemeName = ({ spec, custom }: Scheme): string => custom?.name ?? spec.scheme

/**
 * Refuses a secret that none of the schemes can use. One that only some can use is theirs.
 *
 * @throws PosthornError INVALID_SECRET
 */
export function checkSecret(
  secret: unknown,
  schemes: readonly Scheme[],
  path = 'secret',
): asserts secret is string {
  const refuse = (message: string) => new PosthornError('INVALID_SECRET', `${path}: ${message}`, { path })
  if (typeof secret !== 'string') throw refuse('the secret must be a string')
  if (secret.length < 1 || secret.length > 510 || [...secret].length > 255)
    throw refuse('the secret must have 1 to 255 characters')
  if (secret.includes('\0')) throw refuse('the secret has a NUL, which a database cannot keep')
  if (schemes.length === 0) throw refuse('the signing scheme takes no secret: leave it out')
  const problems = schemes.map((scheme) => problemWith(secret, scheme))
  if (problems.every((problem) => problem !== null))
    throw refuse([...new Set(problems), ...(path === 'secret' ? ['or leave it out'] : [])].join('; '))
}

function problemWith(secret: string, scheme: Scheme): string | null {
  try {
    validateSecret(scheme, secret)
    return null
  } catch (error) {
    // What a custom scheme throws may quote the secret, so it is neither shown nor kept as the cause.
    return error instanceof SigningError && !scheme.custom
      ? error.message
      : `scheme "${schemeName(scheme)}" cannot use it`
  }
}

/**
 * The given secret, checked, and a fresh one for each scheme that cannot use it: as few as there are kinds. Empty when
 * no scheme needs one.
 *
 * @throws PosthornError INVALID_SECRET
 */
export function secretsFor(given: unknown, schemes: readonly Scheme[]): readonly IssuedSecret[] {
  const secrets: string[] = []
  if (given !== undefined && given !== null) {
    checkSecret(given, schemes)
    secrets.push(given)
  }
  for (;;) {
    const without = schemes.filter((scheme) => !secrets.some((secret) => acceptsSecret(scheme, secret)))
    if (without.length === 0) return secrets.map((secret) => issuedFor(secret, schemes))
    secrets.push(freshFor(without))
  }
}

/** One secret that as many as possible of these can use. */
function freshFor(schemes: readonly Scheme[]): string {
  let best = { secret: '', users: 0 }
  let problem: unknown
  for (const scheme of schemes) {
    try {
      const { secret } = generateSecret(scheme)
      checkSecret(secret, [scheme])
      const users = schemes.filter((other) => acceptsSecret(other, secret)).length
      if (users > best.users) best = { secret, users }
    } catch (error) {
      problem = error
    }
  }
  if (best.users > 0) return best.secret
  const names = schemes.map(schemeName).join(', ')
  throw new PosthornError('INVALID_SECRET', `secret: none could be made for ${names}; bring your own`, {
    path: 'secret',
    // What a custom scheme throws may hold the secret that it made.
    cause: problem instanceof SigningError ? problem : undefined,
  })
}

function issuedFor(secret: string, schemes: readonly Scheme[]): IssuedSecret {
  const users = schemes.filter((scheme) => acceptsSecret(scheme, secret))
  const isKeyPair = users.some(({ spec }) => spec.scheme === 'ed25519')
  return {
    secret,
    ...(isKeyPair ? { publicKey: publicKeyOf(secret) } : {}),
    schemes: users.map(schemeName),
  }
}
