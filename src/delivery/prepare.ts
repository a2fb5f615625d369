/**
 * What a request to one target needs, made once per version of its subscription: open secrets, prepared keys,
 * custom headers. A row that cannot be prepared (unknown scheme, lost key) is never sent unsigned: it throws.
 */
import type { Clock } from '../clock.ts'
import { PosthornError } from '../errors.ts'
import { headersOf } from '../input/headers-input.ts'
import type { Parts, SigningEntry } from '../parts.ts'
import type { SubscriptionRecord } from '../records.ts'
import { destinationContext, headerContext, secretContext } from '../sealing.ts'
import { needsSecret } from '../signing/header-roles.ts'
import type { Scheme } from '../signing/scheme.ts'
import { schemeFrom } from '../signing/scheme-from.ts'
import { acceptsSecret } from '../signing/secrets.ts'
import { createSigner, MAX_SECRETS } from '../signing/sign.ts'
import type { Signer } from '../signing/signers/signer.ts'
import { unsigned } from '../signing/unsigned.ts'
import { destinationFrom } from './destination-text.ts'
import { checkSubscriptionRow } from './row-check.ts'

/** Ready to sign. */
export interface Prepared {
  readonly url: string
  readonly sign: Signer
  readonly headers: Readonly<Record<string, string>>
  readonly hasHeaders: boolean
  /** Store instant after which secrets or schemes change: prepare again. */
  readonly validUntil: number
}

/** The live schemes of a subscription: its own, or the default. */
export function signingOf(
  subscription: Pick<SubscriptionRecord, 'settings'>,
  parts: Parts,
): readonly SigningEntry[] {
  const own = subscription.settings.signing
  if (own === undefined || own === null) return parts.signing
  if (!Array.isArray(own))
    throw new PosthornError('SIGNING_FAILED', 'The stored signing schemes are not a list.')
  return own.map((entry: { spec?: unknown; until?: unknown }) => ({
    scheme: schemeFrom(entry.spec, parts.customSchemes),
    until: typeof entry.until === 'number' ? entry.until : null,
  }))
}

/** Each live scheme signs with the secrets of its kind; one that needs a secret and has none is an error, never unsigned. */
function signerOf(entries: readonly SigningEntry[], secrets: readonly string[], now: number): Signer {
  const live = entries.filter((entry) => entry.until === null || entry.until > now)
  return createSigner(live.map(({ scheme }) => ({ scheme, secrets: secretsOf(scheme, secrets) })))
}

function secretsOf(scheme: Scheme, secrets: readonly string[]): readonly string[] {
  if (!needsSecret(scheme)) return []
  return secrets.filter((secret) => acceptsSecret(scheme, secret)).slice(0, MAX_SECRETS)
}

/** A row may be older than a rule, or written past the door: what the door refuses is not sent either. */
const readAgain = (headers: unknown, entries: readonly SigningEntry[]) =>
  headersOf(
    headers,
    entries.map(({ scheme }) => scheme),
  )

/** A destination without a secret: unsigned, but told which event it is. */
const bare = unsigned({ idHeader: 'webhook-id', timestampHeader: 'webhook-timestamp' })

function prepared(url: string, sign: Signer, headers: Record<string, string>, validUntil: number): Prepared {
  return { url, sign, headers, hasHeaders: Object.keys(headers).length > 0, validUntil }
}

/** Prepares subscriptions (kept per row) and one-use destinations (made each time). */
export function createPreparer(parts: Parts) {
  const ready = new WeakMap<SubscriptionRecord, Prepared>()

  async function prepareSubscription(subscription: SubscriptionRecord, now: number): Promise<Prepared> {
    checkSubscriptionRow(subscription)
    const entries = signingOf(subscription, parts)
    const live = subscription.secrets.filter((secret) => secret.expiresAt === null || secret.expiresAt > now)
    const secrets = await Promise.all(
      live.map((secret) => parts.sealer.open(secret.value, secretContext(subscription))),
    )
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(subscription.headers)) {
      headers[name] = await parts.sealer.open(value, headerContext(subscription))
    }
    const ends = [...live.map((secret) => secret.expiresAt), ...entries.map((entry) => entry.until)]
    const validUntil = Math.min(
      ...ends.filter((end): end is number => end !== null && end > now),
      Number.POSITIVE_INFINITY,
    )
    const sign = signerOf(entries, secrets, now)
    return prepared(subscription.url, sign, readAgain(headers, entries), validUntil)
  }

  return {
    /** @throws the cause, when it cannot be prepared: the delivery is then quarantined */
    async subscription(subscription: SubscriptionRecord, now: number): Promise<Prepared> {
      const kept = ready.get(subscription)
      if (kept !== undefined && kept.validUntil > now) return kept
      const made = await prepareSubscription(subscription, now)
      ready.set(subscription, made)
      return made
    },
    /** The kept preparation, when it is still good: no promise on the hot path. */
    kept(subscription: SubscriptionRecord, now: number): Prepared | undefined {
      const kept = ready.get(subscription)
      return kept !== undefined && kept.validUntil > now ? kept : undefined
    },
    async destination(sealed: string, tenantId: string, now: number): Promise<Prepared> {
      const { url, secret, headers } = destinationFrom(
        await parts.sealer.open(sealed, destinationContext(tenantId)),
      )
      // One secret is of one kind: the schemes of other kinds leave its request alone.
      const entries =
        secret === null
          ? [{ scheme: bare, until: null }]
          : parts.signing.filter(({ scheme }) => !needsSecret(scheme) || acceptsSecret(scheme, secret))
      const sign = signerOf(entries, secret === null ? [] : [secret], now)
      return prepared(url, sign, readAgain(headers, entries), now)
    },
  }
}

/** See `createPreparer`. */
export type Preparer = ReturnType<typeof createPreparer>

/** The store's clock as this process knows it: corrected with every answer of the store, carried by the monotonic clock. */
export function createStoreTime(clock: Clock) {
  let offset = clock.now() - clock.monotonic()
  return {
    now: () => clock.monotonic() + offset,
    /** The store said `now` in answer to a call made at the monotonic instant `askedAt`. */
    correct(now: number, askedAt: number) {
      offset = now - (askedAt + clock.monotonic()) / 2
    },
  }
}

/** See `createStoreTime`. */
export type StoreTime = ReturnType<typeof createStoreTime>
