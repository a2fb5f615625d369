/**
 * The secrets of a stored subscription: which scheme each belongs to, what takes the place of what, which is the current
 * one. A subscription has one current secret for each kind of key that its schemes need.
 */
import { signingOf } from '../delivery/prepare.ts'
import { PosthornError } from '../errors.ts'
import { invalidInput } from '../input/known-keys.ts'
import type { Parts, SigningEntry } from '../parts.ts'
import type { SecretRecord, SubscriptionPatch, SubscriptionRecord } from '../records.ts'
import { secretContext } from '../sealing.ts'
import type { Scheme } from '../signing/scheme.ts'
import { acceptsSecret } from '../signing/secrets.ts'
import { MAX_SECRETS } from '../signing/sign.ts'
import { checkSecret, type IssuedSecret, keyedSchemes, schemeName, secretsFor } from './signing-input.ts'

/** What a rotation asks for. */
export interface Rotation {
  /** Absent: a fresh one for each kind of key. */
  readonly secret?: unknown
  /** Only the secrets of this scheme; by name, or the scheme itself. */
  readonly scheme?: unknown
  readonly overlapMs: number
}

/** What becomes of the secrets, and those that are new, in clear. */
export interface Rotated {
  readonly patch: Pick<SubscriptionPatch, 'rotate' | 'secrets'>
  readonly issued: readonly IssuedSecret[]
}

/** A live secret and the schemes that sign with it. */
interface Live {
  readonly record: SecretRecord
  readonly users: readonly Scheme[]
}

/**
 * New secrets in the place of the old ones, which sign for `overlapMs` more. An old secret goes only when each scheme that
 * signs with it has got a new one.
 *
 * @throws PosthornError INVALID_SECRET, also when no scheme takes one; INVALID_INPUT for a scheme that it does not have
 */
export async function rotation(
  row: SubscriptionRecord,
  { secret, scheme, overlapMs }: Rotation,
  parts: Parts,
  entries: readonly SigningEntry[] = signingOf(row, parts),
): Promise<Rotated> {
  const schemes = chosenFrom(keyedSchemes(entries, parts.clock.now()), scheme)
  if (schemes.length === 0)
    throw new PosthornError('INVALID_SECRET', 'The signing scheme takes no secret', { path: 'secret' })
  if (secret !== undefined) checkSecret(secret, schemes)
  const given =
    secret === undefined ? secretsFor(undefined, schemes) : secretsFor(secret, usersOf(secret, schemes))
  return placed(row, given, overlapMs, entries, parts)
}

/**
 * What the secrets become when these schemes take over: a scheme without a secret gets one, a secret that no scheme can use
 * any more is dropped.
 */
export async function secretsForSchemes(
  row: SubscriptionRecord,
  entries: readonly SigningEntry[],
  parts: Parts,
): Promise<Rotated> {
  return placed(row, [], 0, entries, parts)
}

async function placed(
  row: SubscriptionRecord,
  given: readonly IssuedSecret[],
  overlapMs: number,
  entries: readonly SigningEntry[],
  parts: Parts,
): Promise<Rotated> {
  const now = await parts.store.now()
  const needing = keyedSchemes(entries, now)
  const all = entries.map((entry) => entry.scheme)
  const has = (issued: readonly IssuedSecret[]) => (scheme: Scheme) =>
    issued.some((one) => acceptsSecret(scheme, one.secret))
  const live = await liveOf(row, all, now, parts, given.length > 0)
  const goes = ({ users }: Live) => users.every(has(given))
  const staying = live.filter((one) => !goes(one))
  const without = needing.filter(
    (scheme) =>
      !has(given)(scheme) &&
      !staying.some(({ record, users }) => record.expiresAt === null && users.includes(scheme)),
  )
  const issued = [...given, ...secretsFor(undefined, without)]
  const [only] = issued
  const isWhole = live.length === liveIn(row, now).length
  if (only !== undefined && issued.length === 1 && staying.length === 0 && isWhole)
    return { issued, patch: { rotate: await rotated(row, only, overlapMs, parts) } }
  if (issued.length === 0 && staying.length === row.secrets.length) return { issued, patch: {} }
  const fresh = await Promise.all(issued.map((one) => recordOf(row, one, now, parts)))
  const end = now + overlapMs
  const old = live.flatMap((one) => {
    if (!goes(one)) return [one]
    if (overlapMs === 0 || one.users.length === 0) return []
    const expiresAt = Math.min(one.record.expiresAt ?? end, end)
    return [{ ...one, record: { ...one.record, expiresAt } }]
  })
  const fits = (secret: string) => all.filter((scheme) => acceptsSecret(scheme, secret))
  const listed = [
    ...fresh.map((record, index) => ({ record, users: fits(issued[index]?.secret ?? '') })),
    ...old,
  ]
  return { issued, patch: { secrets: newest(listed).map(({ record }) => record) } }
}

/** The secret in clear: of this scheme, else of the first one that has any; null when there is none. */
export async function currentSecret(
  row: SubscriptionRecord,
  parts: Parts,
  scheme?: unknown,
): Promise<string | null> {
  const schemes = chosenFrom(keyedSchemes(signingOf(row, parts), parts.clock.now()), scheme)
  const current = row.secrets.filter(({ expiresAt }) => expiresAt === null)
  const opened = await Promise.all(current.map(({ value }) => parts.sealer.open(value, secretContext(row))))
  for (const one of schemes) {
    const found = opened.find((secret) => acceptsSecret(one, secret))
    if (found !== undefined) return found
  }
  return scheme === undefined ? (opened[0] ?? null) : null
}

function chosenFrom(schemes: readonly Scheme[], scheme: unknown): readonly Scheme[] {
  if (scheme === undefined || scheme === null) return schemes
  const spec = typeof scheme === 'object' && 'spec' in scheme ? JSON.stringify(scheme.spec) : undefined
  const chosen = schemes.filter((one) =>
    spec === undefined ? schemeName(one) === scheme : JSON.stringify(one.spec) === spec,
  )
  if (chosen.length === 0)
    throw invalidInput(
      'scheme',
      `must be one that signs with a secret now: ${schemes.map(schemeName).join(', ') || 'none does'}`,
    )
  return chosen
}

const usersOf = (secret: string, schemes: readonly Scheme[]) =>
  schemes.filter((scheme) => acceptsSecret(scheme, secret))

const liveIn = ({ secrets }: SubscriptionRecord, now: number) =>
  secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > now)

/** One that no key opens is an error, unless there are new ones: then it is left out, as it would stop all signing. */
async function liveOf(
  row: SubscriptionRecord,
  schemes: readonly Scheme[],
  now: number,
  { sealer }: Parts,
  isReplaced: boolean,
): Promise<readonly Live[]> {
  const opened = await Promise.all(
    liveIn(row, now).map(async (record): Promise<Live[]> => {
      try {
        return [{ record, users: usersOf(await sealer.open(record.value, secretContext(row)), schemes) }]
      } catch (error) {
        if (!isReplaced) throw error
        return []
      }
    }),
  )
  return opened.flat()
}

async function rotated(
  row: SubscriptionRecord,
  { secret }: IssuedSecret,
  overlapMs: number,
  { sealer }: Parts,
) {
  const value = await sealer.seal(secret, secretContext(row))
  return { value, overlapMs, keep: overlapMs === 0 ? 1 : MAX_SECRETS }
}

async function recordOf(
  row: SubscriptionRecord,
  { secret }: IssuedSecret,
  now: number,
  { sealer }: Parts,
): Promise<SecretRecord> {
  return { value: await sealer.seal(secret, secretContext(row)), createdAt: now, expiresAt: null }
}

/** Those of a list, newest first, that some scheme still has room for. */
function newest(list: readonly Live[]): readonly Live[] {
  const counts = new Map<Scheme, number>()
  return list.filter(({ users }) => {
    const isNeeded = users.some((scheme) => (counts.get(scheme) ?? 0) < MAX_SECRETS)
    for (const scheme of users) counts.set(scheme, (counts.get(scheme) ?? 0) + 1)
    return isNeeded
  })
}
