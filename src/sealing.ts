/**
 * CONTRACT: how secrets are kept at rest. The library seals signing secrets, custom header values and one-use
 * destinations before they reach the store, and opens them to sign and to send. What cannot be opened is never sent.
 */
import type { Clock } from './clock.ts'
import { within } from './delivery/within.ts'
import { PosthornError } from './errors.ts'
import { ignoreRejection } from './input/thenable.ts'

/** What a sealed text belongs to. A sealer binds the text to all of it, so that no row can borrow another's. */
export interface SealContext {
  readonly tenantId: string
  /** Null for a one-use destination. */
  readonly subscriptionId: string | null
  readonly purpose: 'secret' | 'header' | 'destination'
}

/** Protects texts at rest, for example `sealedSecrets({ keys })` or a key service of the host. */
export interface Sealer {
  /** The text to store. */
  seal(plain: string, context: SealContext): Promise<string> | string
  /**
   * The text that was sealed with this context. Where it can never be read (no key, a changed text), throw a PosthornError
   * `SECRET_UNREADABLE`: its deliveries are set aside as quarantined. Any other error is taken for an outage: they wait. So is
   * no answer within `timeoutMs`.
   */
  open(sealed: string, context: SealContext): Promise<string> | string
  /** True when sealing anew would change nothing for the better: it was sealed with the current key. @default false */
  isCurrent?(sealed: string): boolean
}

/** How every text begins that `sealedSecrets` made. */
export const SEALED = 'posthorn-sealed.'

/** Keeps texts as they are. It refuses what was sealed: without its key, nothing may be signed or sent in its place. */
export const unsealed: Sealer = {
  seal(plain) {
    if (plain.startsWith(SEALED))
      throw new PosthornError('INVALID_INPUT', `a secret or header value must not begin with "${SEALED}"`)
    return plain
  },
  open(text) {
    if (text.startsWith(SEALED))
      throw unreadable('it is sealed, but `secrets` is not set: give `createWebhooks` the keys again')
    return text
  },
  isCurrent: (text) => !text.startsWith(SEALED),
}

/**
 * The host's sealer, held to the contract: what it throws is told by code, what it returns is text, and what it never
 * answers has failed after `limitMs`.
 */
export function checkedSealer(sealer: Sealer, clock: Clock, limitMs: number): Sealer {
  const told = (cause: unknown) => (cause instanceof PosthornError ? cause : sealerFailed(cause))
  const text = (value: unknown): string => {
    if (typeof value !== 'string') throw unreadable('`secrets` returned something else than a text')
    return value
  }
  const run = (call: () => Promise<string> | string): Promise<string> | string => {
    try {
      const value = call()
      if (typeof value === 'string') return value
      return within(Promise.resolve(value), limitMs, clock, '`secrets`')
        .then(text)
        .catch((cause) => Promise.reject(told(cause)))
    } catch (cause) {
      throw told(cause)
    }
  }
  return {
    seal: (plain, context) => run(() => sealer.seal(plain, context)),
    open: (sealed, context) => run(() => sealer.open(sealed, context)),
    isCurrent(sealed) {
      try {
        const isCurrent: unknown = sealer.isCurrent?.(sealed)
        ignoreRejection(isCurrent)
        return isCurrent === true
      } catch (cause) {
        throw told(cause)
      }
    },
  }
}

/** The error of a sealer that failed without saying that the text cannot be read. Its message quotes nothing that was thrown. */
export const sealerFailed = (cause: unknown): PosthornError =>
  new PosthornError(
    'SEALER_FAILED',
    '`secrets` failed to seal or to open a text; see the cause. It is tried again: a text that can never be read is a PosthornError `SECRET_UNREADABLE`.',
    { cause },
  )

/** The error of what cannot be opened. Its message never holds a text or a key. */
export const unreadable = (why: string, cause?: unknown): PosthornError =>
  new PosthornError('SECRET_UNREADABLE', `A stored secret cannot be read: ${why}.`, { cause })

type Owner = { readonly tenantId: string; readonly id: string }

/** The context of a subscription's signing secrets. */
export const secretContext = ({ tenantId, id }: Owner): SealContext => ({
  tenantId,
  subscriptionId: id,
  purpose: 'secret',
})

/** The context of a subscription's header values. */
export const headerContext = ({ tenantId, id }: Owner): SealContext => ({
  tenantId,
  subscriptionId: id,
  purpose: 'header',
})

/** The context of a one-use destination. */
export const destinationContext = (tenantId: string): SealContext => ({
  tenantId,
  subscriptionId: null,
  purpose: 'destination',
})
