/**
 * The stored form of a subscription: seals what is secret, and turns checked fields into the row to insert or the patch
 * to apply. Knows nothing of tenants' rights and hooks.
 */
import { signingOf } from '../delivery/prepare.ts'
import { PosthornError } from '../errors.ts'
import { headersOf, refuseOwned } from '../input/headers-input.ts'
import { type JsonObject, type JsonValue, REDACTED } from '../model.ts'
import type { Parts, SigningEntry } from '../parts.ts'
import type { NewSubscription, SubscriptionPatch, SubscriptionRecord } from '../records.ts'
import { headerContext, secretContext } from '../sealing.ts'
import type { Scheme } from '../signing/scheme.ts'
import { type CheckedFields, checkFields, firstStateOf, ownIdOf } from './input.ts'
import { rotation, secretsForSchemes } from './secrets.ts'
import { type IssuedSecret, keyedSchemes, secretsFor, storedSigning } from './signing-input.ts'

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
): Promise<{ row: NewSubscription; issued: readonly IssuedSecret[] }> {
  const { url, ...checked } = checkFields({ ...input, url: input.url ?? null }, parts)
  const id = input.id === undefined ? parts.ids.subscription() : ownIdOf(input.id)
  const entries = checked.signing ?? parts.signing
  const issued = secretsFor(input.secret, keyedSchemes(entries, parts.clock.now()))
  const headers = headersOf(input.headers ?? {}, schemesOf(entries))
  const owner = { tenantId, id }
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
      headers: await changedHeaders(headers, { ...owner, headers: {} }, parts),
      metadata: checked.metadata ?? {},
      state,
      pausedBy: state === 'paused' ? 'user' : null,
      disabledReason: state === 'disabled' ? 'user' : null,
      disabledAt: state === 'disabled' ? parts.clock.now() : null,
      secrets: await Promise.all(
        issued.map(async ({ secret }) => ({ value: await parts.sealer.seal(secret, secretContext(owner)) })),
      ),
      settings: settingsWith({}, checked),
      condition: {},
    },
  }
}

/** What an update changes in this row. Gives the row the secrets that its new schemes need. @throws PosthornError for bad input */
export async function patchOf(
  changes: Readonly<Record<string, unknown>>,
  row: SubscriptionRecord,
  parts: Parts,
): Promise<SubscriptionPatch> {
  const checked = checkFields(changes, parts)
  const { signing } = checked
  const { fields, settings } = sorted(checked)
  const entries = signing === undefined ? signingOf(row, parts) : (signing ?? parts.signing)
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
        : (await secretsForSchemes(row, entries, parts)).patch
      : (await rotation(row, { secret, overlapMs: 0 }, parts, entries)).patch),
  }
}

const schemesOf = (entries: readonly SigningEntry[]): readonly Scheme[] => entries.map(({ scheme }) => scheme)

async function sealedHeaders(
  headers: Readonly<Record<string, string>>,
  owner: { readonly tenantId: string; readonly id: string },
  { sealer }: Parts,
): Promise<Record<string, string>> {
  const sealed = Object.entries(headers).map(
    async ([name, value]) => [name, await sealer.seal(value, headerContext(owner))] as const,
  )
  return Object.fromEntries(await Promise.all(sealed))
}

/** The headers to store; one that was handed in as it was read keeps its value. */
async function changedHeaders(
  headers: Readonly<Record<string, string>>,
  row: Pick<SubscriptionRecord, 'tenantId' | 'id' | 'headers'>,
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
    ...(await sealedHeaders(Object.fromEntries(given), row, parts)),
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
