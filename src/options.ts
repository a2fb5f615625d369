/**
 * Every option of `createWebhooks`: what it does, its unit, its default. Checked once, at construction: an unknown
 * key gets "did you mean", a contradiction names both values.
 */
import { z } from 'zod/v4'
import type { Catalog } from './catalog.ts'
import type { Clock, Random } from './clock.ts'
import { RETRY_RULE, type RetryPolicy } from './delivery/backoff.ts'
import { type PolicyOptions, policyOf, policyShape } from './delivery/policy.ts'
import { type RetentionOptions, retentionOf, retentionShape } from './delivery/retention.ts'
import { PosthornError } from './errors.ts'
import { type AddressGuardOptions, GUARD_OPTIONS } from './guard/policy.ts'
import type { Hooks, Logger } from './hooks.ts'
import { catalog, fn, object, signing, store, transport as transportValue } from './input/option-values.ts'
import { refuseOption } from './input/refused-option.ts'
import type { EnvelopeInput, IdGenerators, Transform } from './parts.ts'
import type { Sealer } from './sealing.ts'
import type { CustomScheme, Scheme } from './signing/scheme.ts'
import type { Store } from './store.ts'
import type { Transport } from './transport.ts'

/**
 * Options of `createWebhooks`. `Tx` is what the store takes as a transaction. `allowHttp` and the other `allow…` and `deny…` options say which receivers the address guard accepts: https to public
 * addresses, unless they say otherwise.
 */
export interface WebhooksOptions<Events extends Catalog | null = null, Tx = never>
  extends AddressGuardOptions,
    PolicyOptions {
  /** Where everything is kept. @default a memory store, with one warning; refused when NODE_ENV is `production` */
  readonly store?: Store<Tx>
  /** The catalogue of `defineEvents`: names and payloads are then typed and checked. @default any name is accepted */
  readonly events?: Events
  /** What a payload that does not fit its schema does: throw, be reported and sent, or go unchecked. @default 'throw' */
  readonly validate?: 'throw' | 'warn' | 'off'
  /** What carries the requests. @default undici on Node, ky over fetch elsewhere */
  readonly transport?: Transport
  /** What the built-in transports send as `user-agent`. Not together with `transport`. @default `Posthorn/` and the version, for example `Posthorn/0.1` */
  readonly userAgent?: string
  /**
   * The URL of a forward proxy for all requests, for example `http://user:password@proxy.example.com:3128`. It resolves
   * the names, so let it refuse private addresses. Not together with `transport`, and only on Node. The proxy variables
   * of the environment never count. @default none
   */
  readonly proxy?: string
  /** How requests are signed: one scheme, or several at once, each with an end date. @default standardWebhooks() */
  readonly signing?: Scheme | readonly { readonly scheme: Scheme; readonly until?: Date }[]
  /** Schemes of your own that stored subscriptions may name. */
  readonly customSchemes?: readonly CustomScheme[]
  /** The delays between attempts. @default 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, each plus 0–20 % */
  readonly retry?: RetryPolicy
  /** Tenant of calls that name none; for single-tenant hosts. @default none: each call names its tenant */
  readonly defaultTenant?: string
  /** Deadline of one attempt in ms, from its preparation to the last byte; 500 to 30,000. A claim is leased for twice as long. @default 15_000 */
  readonly timeoutMs?: number
  /** A delivery that is still pending this long after it was due ends as failed (expired). @default 5 days */
  readonly maxAgeMs?: number
  /**
   * How long finished history is kept, a minute to ten years; `false`: for ever. Any worker prunes, in batches; what is
   * undelivered is never touched. @default 30 days for events, deliveries and bodies, 7 for idempotency keys
   */
  readonly retention?: RetentionOptions | false
  /** Largest serialised body in bytes, up to 1 MiB. @default 262_144 */
  readonly maxBodyBytes?: number
  /**
   * Asks a receiver before its first delivery, at `create`, at an `update` of the URL and at `enable`; until it agrees the
   * subscription is disabled as `unverified`. `'challenge'` posts a signed `{ "type": "url_verification", "challenge" }`
   * and wants the challenge back, bare or as JSON without that `type`; `'cloudevents'` sends OPTIONS and wants
   * `WebHook-Allowed-Origin`.
   * @default false
   */
  readonly verifyEndpoint?: 'challenge' | 'cloudevents' | false
  /** The name that `WebHook-Allowed-Origin` must allow: 1 to 255 letters, digits, dots and hyphens. @default 'posthorn' */
  readonly verifyOrigin?: string
  /** Subscriptions that one tenant may have, disabled and paused ones included. @default no limit */
  readonly maxSubscriptionsPerTenant?: number
  /** Requests in flight in this process. @default 512 */
  readonly concurrency?: number
  /** Requests in flight to one subscription, in this process. @default 10 */
  readonly concurrencyPerSubscription?: number
  /** Requests in flight to one origin (scheme, host and port), in this process. @default 20 */
  readonly concurrencyPerOrigin?: number
  /**
   * Which of the 256 buckets of tenants this process works for, both ends included: so that processes can share out a large
   * installation. Together they must cover 0 to 255, or tenants go unserved. @default all
   */
  readonly buckets?: { readonly from: number; readonly to: number }
  /** Shapes the body: what it returns is serialised once, stored, signed and sent. @default `{ type, timestamp, data }` */
  readonly envelope?: (event: EnvelopeInput) => unknown
  /**
   * Shapes an event for one subscription, in your code: other bytes, more headers, or null to send nothing. Called once per
   * delivery (again where the worker died before its result was stored); may be async, for seven eighths of `timeoutMs`. When it
   * throws, this delivery alone is tried again a minute later, until it expires. @default every subscription gets the same bytes
   */
  readonly transform?: Transform
  /** Bodies by version: a subscription with `version` gets what its function returns in place of the envelope. @default none */
  readonly versions?: Readonly<Record<string, (event: EnvelopeInput) => unknown>>
  /**
   * Generators of ids: each returns 1 to 64 letters, digits, `_` or `-`, fresh for ever and in every process. One that throws or
   * returns something else fails the call that needs it; in a worker an id of ours takes its place (also that of one that is taken), and
   * `problem` is told.
   * @default `sub_…`, `evt_…`, `dlv_…`, `att_…` over UUID v7
   */
  readonly ids?: Partial<IdGenerators>
  /** What is told as it happens. */
  readonly hooks?: Hooks
  /** pino's shape. @default warnings and errors go to `process.emitWarning` */
  readonly logger?: Logger
  /**
   * Seals signing secrets, header values and one-use destinations at rest: `sealedSecrets({ keys })`, or `{ seal, open }` over
   * a key service of your own. @default kept as they are; `start` warns of it when NODE_ENV is `production`
   */
  readonly secrets?: Sealer
  /** Time, for tests. @default the machine's */
  readonly clock?: Clock
  /** Chance (jitter), for tests. @default Math.random */
  readonly random?: Random
}

const count = z.int().min(1).max(100_000)

const shape = z.strictObject({
  store: store.optional(),
  events: catalog.optional(),
  validate: z.enum(['throw', 'warn', 'off']).optional(),
  transport: transportValue.optional(),
  userAgent: z
    .string()
    .regex(/^[!-~](?:[ -~]{0,253}[!-~])?$/, 'must be 1 to 255 printable ASCII characters')
    .optional(),
  proxy: z.string().optional(),
  signing: signing.optional(),
  customSchemes: z.array(object).optional(),
  retry: z.custom<object>((value) => typeof value === 'object' && value !== null, RETRY_RULE).optional(),
  defaultTenant: z.string().min(1).max(255).optional(),
  timeoutMs: z.int().min(500).max(30_000).optional(),
  maxAgeMs: z
    .int()
    .min(1_000)
    .max(90 * 86_400_000)
    .optional(),
  retention: retentionShape,
  maxBodyBytes: z.int().min(1).max(1_048_576).optional(),
  verifyEndpoint: z
    .union([z.enum(['challenge', 'cloudevents']), z.literal(false)], {
      error: "must be 'challenge', 'cloudevents' or false",
    })
    .optional(),
  verifyOrigin: z
    .string()
    .regex(/^[A-Za-z0-9.-]{1,255}$/)
    .optional(),
  maxSubscriptionsPerTenant: count.optional(),
  concurrency: count.optional(),
  concurrencyPerSubscription: count.optional(),
  concurrencyPerOrigin: count.optional(),
  buckets: z
    .strictObject({ from: z.int().min(0).max(255), to: z.int().min(0).max(255) })
    .refine(({ from, to }) => from <= to, 'needs from ≤ to')
    .optional(),
  allowHttp: z.boolean().optional(),
  allowPrivateNetworks: z.boolean().optional(),
  allowCidrs: z.array(z.string()).optional(),
  denyCidrs: z.array(z.string()).optional(),
  allowHosts: z.array(z.string()).optional(),
  denyHosts: z.array(z.string()).optional(),
  allowPorts: z.array(z.int()).optional(),
  denyPorts: z.array(z.int()).optional(),
  ...policyShape,
  envelope: fn.optional(),
  transform: fn.optional(),
  versions: z.record(z.string().min(1).max(64), fn).optional(),
  ids: z
    .strictObject({
      subscription: fn.optional(),
      event: fn.optional(),
      delivery: fn.optional(),
      attempt: fn.optional(),
    })
    .optional(),
  hooks: z
    .strictObject({
      published: fn.optional(),
      attempted: fn.optional(),
      ended: fn.optional(),
      subscriptionChanged: fn.optional(),
      noticed: fn.optional(),
      problem: fn.optional(),
    })
    .optional(),
  logger: z.looseObject({ debug: fn, info: fn, warn: fn, error: fn }).optional(),
  secrets: z.looseObject({ seal: fn, open: fn, isCurrent: fn.optional() }).optional(),
  clock: z.looseObject({ now: fn, monotonic: fn, setTimer: fn }).optional(),
  random: fn.optional(),
})

/** The names of all options. */
export const OPTION_NAMES: readonly string[] = Object.keys(shape.shape)

/** Those options that are the guard's. */
export function guardOptionsOf(options: AddressGuardOptions): AddressGuardOptions {
  return Object.fromEntries(
    GUARD_OPTIONS.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]),
  )
}

/** Of the options that are checked against others, too. */
export const DEFAULT_TIMEOUT_MS = 15_000
export const DEFAULT_CONCURRENCY = 512

/** @throws PosthornError `INVALID_OPTION` or `CONTRADICTORY_OPTIONS` */
export function checkOptions(options: unknown): void {
  const result = shape.safeParse(options)
  if (!result.success) refuseOption(shape, result.error.issues[0])
  const {
    concurrency = DEFAULT_CONCURRENCY,
    concurrencyPerSubscription,
    concurrencyPerOrigin,
    timeoutMs = DEFAULT_TIMEOUT_MS,
    maxAgeMs,
    retention,
    userAgent,
    transport,
  } = result.data
  const { breaker, pace } = policyOf(options as PolicyOptions)
  const { finishedMs } = retentionOf((options as WebhooksOptions).retention) ?? {}
  const { bodiesMs, keysMs } = retention === false ? {} : { ...retention }
  const part = 'which it is a part of'
  notMore(['concurrencyPerSubscription', concurrencyPerSubscription], ['concurrency', concurrency], part)
  notMore(['concurrencyPerOrigin', concurrencyPerOrigin], ['concurrency', concurrency], part)
  notMore(
    ['breaker.firstProbeMs', pace.firstProbeMs],
    ['breaker.maxProbeMs', pace.maxProbeMs],
    'so that the first probe would come later than probes may be apart',
  )
  notMore(
    ['breaker.spanMs', breaker?.spanMs],
    ['breaker.windowMs', breaker?.windowMs],
    'so that no failures of one window could ever span it',
  )
  const gone = 'when the event is removed with all that belongs to it'
  notMore(['retention.bodiesMs', bodiesMs], ['retention.finishedMs', finishedMs], gone)
  notMore(['retention.keysMs', keysMs], ['retention.finishedMs', finishedMs], gone)
  if (userAgent !== undefined && transport !== undefined) {
    throw new PosthornError(
      'CONTRADICTORY_OPTIONS',
      `Both \`userAgent\` ("${userAgent}") and \`transport\` are set, and a transport names itself: give the user agent to the transport.`,
      { path: 'userAgent' },
    )
  }
  if (result.data.proxy !== undefined && transport !== undefined) {
    throw new PosthornError(
      'CONTRADICTORY_OPTIONS',
      'Both `proxy` and `transport` are set, and a transport opens its own connections: give the proxy to the transport.',
      { path: 'proxy' },
    )
  }
  if (maxAgeMs !== undefined && maxAgeMs < timeoutMs) {
    throw new PosthornError(
      'CONTRADICTORY_OPTIONS',
      `\`maxAgeMs\` (${maxAgeMs}) is less than \`timeoutMs\` (${timeoutMs}): a delivery would end before its first attempt could. Raise maxAgeMs.`,
      { path: 'maxAgeMs' },
    )
  }
}

type Named = readonly [name: string, value: number | undefined]

function notMore([name, value]: Named, [limit, most]: Named, why: string): void {
  if (value === undefined || most === undefined || value <= most) return
  throw new PosthornError(
    'CONTRADICTORY_OPTIONS',
    `\`${name}\` (${value}) is more than \`${limit}\` (${most}), ${why}. Lower the first or raise the second; a value that is not set is the default.`,
    { path: name },
  )
}
