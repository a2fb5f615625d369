/**
 * Endpoint ownership: asks a receiver whether it wants deliveries before it gets any. Until it has said so in its own
 * words a subscription is disabled as `unverified`; that something answers there is no consent.
 */
import { createPreparer } from '../delivery/prepare.ts'
import { within } from '../delivery/within.ts'
import type { Parts } from '../parts.ts'
import type { NewSubscription, SubscriptionPatch, SubscriptionRecord } from '../records.ts'
import type { TransportRequest, TransportResponse } from '../transport.ts'

/** How receivers are asked: `challenge` posts a text to be echoed, `cloudevents` is the handshake of its webhook spec. */
export type OwnershipCheck = 'challenge' | 'cloudevents'

/** The question as a request, and what counts as a yes. */
interface Question {
  readonly request: Pick<TransportRequest, 'method' | 'headers' | 'body'>
  readonly accepts: (answer: TransportResponse) => boolean
}

/** The `type` of the challenge, by which a receiver knows it, and by which we know it when it only comes back. */
const QUESTION = 'url_verification'

const UNVERIFIED = { state: 'disabled', pausedBy: null, disabledReason: 'unverified' } as const

/** Asks receivers, when the option says so; else everything is as good as verified. */
export function createOwnership(parts: Parts) {
  const { verifyEndpoint } = parts
  const preparer = createPreparer(parts)

  async function proves(row: SubscriptionRecord): Promise<boolean> {
    try {
      const { request, accepts } = verifyEndpoint === 'cloudevents' ? handshake(parts) : await challenge(row)
      const result = await parts.transport.send({ url: row.url, deadlineMs: parts.timeoutMs, ...request })
      return result.kind === 'response' && accepts(result)
    } catch {
      // A row that cannot be signed, or not in time: no consent.
      return false
    }
  }

  async function challenge(row: SubscriptionRecord): Promise<Question> {
    const text = randomText()
    const id = `chl_${text}`
    const body = new TextEncoder().encode(JSON.stringify({ type: QUESTION, challenge: text }))
    const now = parts.clock.now()
    const { sign, headers } = await preparer.subscription(row, now)
    const signing = sign({ id, type: QUESTION, timestamp: Math.floor(now / 1000), body })
    const { timeoutMs, clock } = parts
    const signed = await within(Promise.resolve(signing), timeoutMs, clock, 'the signature scheme')
    return {
      request: { headers: { 'content-type': 'application/json', ...headers, ...signed }, body },
      accepts: ({ status, excerpt }) => status >= 200 && status < 300 && echoed(excerpt) === text,
    }
  }

  return {
    /** True when a new URL has to be verified before anything is sent to it. */
    required: verifyEndpoint !== false,
    /** The row as it is stored until its receiver has agreed. */
    beforeProof: (row: NewSubscription): NewSubscription =>
      verifyEndpoint === false ? row : { ...row, ...UNVERIFIED, disabledAt: parts.clock.now() },
    /** What an update that brings another URL changes besides. */
    patchFor: (patch: SubscriptionPatch, row: SubscriptionRecord): SubscriptionPatch =>
      verifyEndpoint === false || patch.url === undefined || patch.url === row.url
        ? patch
        : { ...patch, ...UNVERIFIED },
    /** True for a row that waits for its receiver's consent. */
    awaited: (row: SubscriptionRecord): boolean =>
      verifyEndpoint !== false && row.state === 'disabled' && row.disabledReason === 'unverified',
    /** Asks the receiver of this row now. Never rejects. */
    proves,
  }
}

/**
 * The abuse protection of CloudEvents' HTTP webhooks (section 4): the receiver names us, or everyone, in
 * `WebHook-Allowed-Origin`. Its status says nothing: any web server answers OPTIONS with some.
 */
function handshake({ verifyOrigin }: Parts): Question {
  return {
    request: {
      method: 'OPTIONS',
      headers: { 'webhook-request-origin': verifyOrigin },
      body: new Uint8Array(0),
    },
    accepts: ({ headers }) =>
      (headers['webhook-allowed-origin'] ?? '')
        .split(',')
        .map((origin) => origin.trim().toLowerCase())
        .some((origin) => origin === '*' || origin === verifyOrigin.toLowerCase()),
  }
}

/**
 * The challenge as the bare text of the answer, or as `challenge` of a JSON object. An object that asks the same again is our
 * own: many a server sends back whatever it is sent, and so consents to nothing.
 */
function echoed(answer: string): unknown {
  const text = answer.trim()
  if (!text.startsWith('{')) return text
  try {
    const { type, challenge } = JSON.parse(text)
    return type === QUESTION ? null : challenge
  } catch {
    return null
  }
}

function randomText(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
