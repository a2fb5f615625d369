/** What the command line gives to each backend, and the few things that more than one of them needs. */
import type { Server } from 'node:net'
import { z } from 'zod'
import { addressGuard } from '../../src/guard.ts'
import {
  isPosthornError,
  type RetryPolicy,
  type Store,
  type Subscription,
  schedule,
  type Webhooks,
} from '../../src/index.ts'

/** Where and how a backend runs. */
export interface Setting {
  /** 0: any free port. */
  readonly port: number
  /** Retries come 100 times sooner, and receivers on this machine are allowed, over http too. */
  readonly fast: boolean
  /** Options of `createWebhooks` that depend on the command line. */
  readonly sender: ReturnType<typeof senderOptions>
  /** A retry after each of these waits, in seconds, and not a moment later. */
  readonly retries: (...seconds: readonly number[]) => RetryPolicy
}

/** A backend that listens. */
export interface Running {
  readonly port: number
  /** Whatever a client needs. */
  readonly credentials: Readonly<Record<string, unknown>>
  /** Answers no more, ends deliveries in flight, frees everything. */
  close(): Promise<void>
}

/** A request that a backend refuses with this status. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly field: string | null = null,
  ) {
    super(message)
  }
}

/**
 * What a backend answers to an error: its own refusals as they are, the library's in words of the backend; null for all
 * else. `names` gives the backend's names for fields where they differ from the library's.
 */
export function refusalOf(
  error: unknown,
  noun: string,
  names: Readonly<Record<string, string>> = {},
): Refused | null {
  if (error instanceof Refused) return error
  if (isPosthornError(error, 'NOT_FOUND')) return new Refused(404, `${noun} not found`)
  if (!isPosthornError(error) || !/^(INVALID|UNKNOWN)_/.test(error.code)) return null
  const field = error.path?.split(/[.[]/)[0] ?? 'body'
  return new Refused(400, 'is not valid', names[field] ?? field)
}

const LOOPBACK = { allowHttp: true, allowCidrs: ['127.0.0.0/8', '::1/128'], allowHosts: ['localhost'] }

/** Every webhook keeps to its schedule of retries: the five have no way to show one that is paused. */
const BY_SCHEDULE = { breaker: false, disableAfter: false, throttle: 'delivery' } as const

const senderOptions = (store: Store<never>, fast: boolean) => ({
  store,
  ...BY_SCHEDULE,
  ...(fast ? LOOPBACK : {}),
})

/** The setting for one start. */
export function settingOf(port: number, fast: boolean, store: Store<never>): Setting {
  const retries = (...seconds: readonly number[]) =>
    schedule(
      seconds.map((wait) => (wait * 1000) / (fast ? 100 : 1)),
      { jitter: 0 },
    )
  return { port, fast, sender: senderOptions(store, fast), retries }
}

/** True for a URL that webhooks may be sent to; `allowHttp` widens the setting's own rule. */
export function isReceiver(url: string, { fast }: Setting, { allowHttp = false } = {}): boolean {
  return addressGuard({ ...(fast ? LOOPBACK : {}), ...(allowHttp ? { allowHttp } : {}) }).judgeUrl(url)
    .allowed
}

/** The same where only https will do; in a fast setting http to this machine passes, too. */
export function isHttpsReceiver(url: string, setting: Setting): boolean {
  const local = setting.fast && /^http:\/\/(127(\.\d+){3}|localhost|\[::1\])(?=[:/?#]|$)/.test(url)
  return (local || /^https:\/\//.test(url)) && isReceiver(url, setting)
}

/** Text of `min` to `max` characters, counted as people do (an emoji is one), that JSON and databases can hold. */
export const text = (min: number, max: number) =>
  z
    .string()
    .refine((value) => [...value].length >= min, `must have at least ${min} character(s)`)
    .refine((value) => [...value].length <= max, `must have at most ${max} characters`)
    .refine((value) => !/\0|\p{Surrogate}/u.test(value), 'must be well-formed text')

/** What the five call active: it was not switched off, neither by hand nor because its receiver is gone. */
export const isActive = ({ state }: Subscription): boolean => state !== 'disabled'

/** Switches a subscription off, or on again: what was still owed when it was switched off is then sent. */
export async function switchTo(
  active: boolean,
  subscriptions: Pick<Webhooks['subscriptions'], 'get' | 'disable' | 'enable' | 'resume'>,
  id: string,
  own: { readonly tenantId: string },
): Promise<Subscription> {
  if (!active) return subscriptions.disable(id, own)
  const { state } = await subscriptions.get(id, own)
  return state === 'paused' ? subscriptions.resume(id, own) : subscriptions.enable(id, own)
}

/** Where a server listens. */
export function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** The first problem of an input, with the name of its field. */
export function problemOf({ issues: [issue] }: z.ZodError): string {
  return `${issue?.path.join('.') || 'body'}: ${issue?.message}`
}

/** All items of a paged list. */
export async function everything<Item>(
  list: (page: { readonly limit: number; readonly cursor: string | null }) => Promise<{
    readonly items: readonly Item[]
    readonly nextCursor: string | null
  }>,
): Promise<Item[]> {
  const all: Item[] = []
  for (let cursor: string | null = null; ; ) {
    const page = await list({ limit: 1000, cursor })
    all.push(...page.items)
    cursor = page.nextCursor
    if (cursor === null) return all
  }
}
