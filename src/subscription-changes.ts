/**
 * The stored form of a subscription: seals what is secret, and turns checked fields into the row to insert or the patch
 * to apply. Knows nothing of tenants' rights and hooks.
 */
import { signingOf } from './delivery/prepare.ts'
import { PosthornError } from './errors.ts'
import { headersOf, refuseOwned } from './headers-input.ts'
import { type JsonObject, type JsonValue, REDACTED } from './model.ts'
import type { Parts, SigningEntry } from './parts.ts'
import { sealContext } from './present.ts'
import type { NewSubscription, SubscriptionPatch, SubscriptionRecord } from './records.ts'
import type { Scheme } from './signing/scheme.ts'
import type { GeneratedSecret } from './signing/secrets.ts'
import { checkSecret, keyedSchemes, secretFor, storedSigning } from './signing-input.ts'
import { type CheckedFields, checkFields, firstStateOf, ownIdOf } from './subscription-input.ts'

/** Fields that stand in `settings`, where only the engine reads them. */
const SETTINGS = [
  'signing',
  'retry',
  'ordering',
  'onGivenUp',
  'rate',
  'concurrency',
  'channels',
  'filter',
  'version',
] as const
type Settings = Pick<CheckedFields, (typeof SETTINGS)[number]>

/** The row of a new subscription, and its secret in clear. @throws PosthornError for bad input */
export async function newSubscription(
  input: Readonly<Record<string, unknown>>,
  tenantId: string,
  parts: Parts,
): Promise<{ row: NewSubscription; issued: GeneratedSecret | null }> {
  const { url, ...checked } = checkFields({ ...input, url: input.url ?? null }, parts)
  const id = input.id === undefined ? parts.ids.subscription() : ownIdOf(input.id)
  const entries = checked.signing ?? parts.signing
  const issued = secretFor(input.secret, keyedSchemes(entries, parts.clock.now()))
  const headers = headersOf(input.headers ?? {}, schemesOf(entries))
  const context = sealContext({ tenantId, id })
  const state = firstStateOf(input.state)
  return {
    issued,
    row: {
      id,
      tenantId,
      url: url ?? '',
      events: checked.events ?? ['*'],
      name: checked.name ?? null,
      description: checked.description ?? null,
      headers: await sealedHeaders(headers, context, parts),
      metadata: checked.metadata ?? {},
      state,
      pausedBy: state === 'paused' ? 'user' : null,
      disabledReason: state === 'disabled' ? 'user' : null,
      disabledAt: state === 'disabled' ? parts.clock.now() : null,
      secrets: issued ? [{ value: await parts.sealer.seal(issued.secret, context) }] : [],
      settings: settingsWith({}, checked),
      condition: {},
    },
  }
}

/** What an update changes in this row. Gives the row a secret when its new schemes need one. @throws PosthornError for bad input */
export async function patchOf(
  changes: Readonly<Record<string, unknown>>,
  row: SubscriptionRecord,
  parts: Parts,
): Promise<SubscriptionPatch> {
  const checked = checkFields(changes, parts)
  const { signing } = checked
  const { fields, settings } = sorted(checked)
  const entries = signing === undefined ? signingOf(row, parts) : (signing ?? parts.signing)
  const context = sealContext(row)
  const { headers, secret } = changes
  if (headers === undefined && signing !== undefined)
    refuseOwned(Object.keys(row.headers), schemesOf(entries), 'headers')
  return {
    ...fields,
    ...(headers === undefined
      ? {}
      : { headers: await changedHeaders(headersOf(headers ?? {}, schemesOf(entries)), row, parts) }),
    ...(Object.keys(settings).length === 0 ? {} : { settings: settingsWith(row.settings, settings) }),
    ...(secret === undefined
      ? signing === undefined
        ? {}
        : await secretForSchemes(row, entries, parts)
      : { rotate: await onlySecret(secret, context, entries, parts) }),
  }
}

/** The current secret in clear, or null. @throws what the sealer throws */
export async function currentSecret(row: SubscriptionRecord, parts: Parts): Promise<string | null> {
  const current = row.secrets.find(({ expiresAt }) => expiresAt === null)
  return current ? parts.sealer.open(current.value, sealContext(row)) : null
}

/** A secret of the caller's that ends all others at once. @throws PosthornError INVALID_SECRET */
async function onlySecret(
  secret: unknown,
  context: string,
  entries: readonly SigningEntry[],
  { sealer, clock }: Parts,
) {
  checkSecret(secret, keyedSchemes(entries, clock.now()))
  return { value: await sealer.seal(secret, context), overlapMs: 0, keep: 1 }
}

/** Live secrets must fit the new schemes, or every later attempt would fail to be signed. */
async function secretForSchemes(
  row: SubscriptionRecord,
  entries: readonly SigningEntry[],
  parts: Parts,
): Promise<Pick<SubscriptionPatch, 'rotate'>> {
  const now = parts.clock.now()
  const schemes = keyedSchemes(entries, now)
  if (schemes.length === 0) return {}
  const context = sealContext(row)
  const live = row.secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > now)
  for (const { value } of live) {
    try {
      checkSecret(await parts.sealer.open(value, context), schemes)
    } catch (cause) {
      throw new PosthornError(
        'INVALID_SECRET',
        'signing: the subscription has a live secret that the new schemes cannot use: create a new subscription, or keep schemes of one kind',
        { path: 'signing', cause },
      )
    }
  }
  const issued = live.length === 0 ? secretFor(undefined, schemes) : null
  if (!issued) return {}
  return { rotate: { value: await parts.sealer.seal(issued.secret, context), overlapMs: 0, keep: 11 } }
}

const schemesOf = (entries: readonly SigningEntry[]): readonly Scheme[] => entries.map(({ scheme }) => scheme)

async function sealedHeaders(
  headers: Readonly<Record<string, string>>,
  context: string,
  { sealer }: Parts,
): Promise<Record<string, string>> {
  const sealed = Object.entries(headers).map(
    async ([name, value]) => [name, await sealer.seal(value, context)] as const,
  )
  return Object.fromEntries(await Promise.all(sealed))
}

/** The headers to store; one that was handed in as it was read keeps its value. */
async function changedHeaders(
  headers: Readonly<Record<string, string>>,
  row: SubscriptionRecord,
  parts: Parts,
): Promise<Record<string, string>> {
  const kept = Object.entries(row.headers).filter(([name]) => headers[name] === REDACTED)
  const given = Object.entries(headers).filter(([, value]) => value !== REDACTED)
  if (kept.length + given.length < Object.keys(headers).length)
    throw new PosthornError(
      'INVALID_HEADERS',
      `headers: ${REDACTED} keeps a value that is stored, and one of these headers has none`,
      { path: 'headers' },
    )
  return {
    ...Object.fromEntries(kept),
    ...(await sealedHeaders(Object.fromEntries(given), sealContext(row), parts)),
  }
}

function sorted(checked: CheckedFields) {
  const isSetting = ([key]: [string, unknown]) => (SETTINGS as readonly string[]).includes(key)
  const entries = Object.entries(checked)
  const settings: Settings = Object.fromEntries(entries.filter(isSetting))
  const fields: Omit<CheckedFields, keyof Settings> = Object.fromEntries(
    entries.filter((entry) => !isSetting(entry)),
  )
  return { fields, settings }
}

/** The settings with these changes; null takes one out. */
function settingsWith(settings: JsonObject, { signing, ...others }: Settings): JsonObject {
  const changes: Record<string, JsonValue | undefined> = {
    ...others,
    ...(signing === undefined ? {} : { signing: signing && storedSigning(signing) }),
  }
  const changed = { ...settings, ...changes }
  return Object.fromEntries(
    Object.entries(changed).filter((entry): entry is [string, JsonValue] => entry[1] != null),
  )
}
