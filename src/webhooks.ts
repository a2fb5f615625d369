/** The composition root: picks the parts, hands them to each other, and offers the public calls. Nothing else. */
import type { Catalog } from './catalog.ts'
import { MAX_TIMER_MS } from './clock.ts'
import { createDeliveries } from './deliveries.ts'
import { defaultRetry, parseRetry } from './delivery/backoff.ts'
import { createHolding } from './delivery/holding.ts'
import { policyOf } from './delivery/policy.ts'
import { createPublisher, type PublishOptions } from './delivery/publish.ts'
import { retentionOf } from './delivery/retention.ts'
import { createSchedule } from './delivery/schedule.ts'
import { createStatistics } from './delivery/statistics.ts'
import { createUpkeep } from './delivery/upkeep.ts'
import { createWorker } from './delivery/worker.ts'
import { createEraseTenant } from './erase-tenant.ts'
import { PosthornError } from './errors.ts'
import { addressGuard } from './guard/address-guard.ts'
import { guardedTransport } from './guard/guarded-transport.ts'
import { createAttempts } from './history/attempts.ts'
import { createEvents } from './history/events.ts'
import { createHealth } from './history/health.ts'
import { createJobs } from './history/jobs.ts'
import { createRecovery } from './history/recovery.ts'
import { createStats } from './history/stats.ts'
import { heldTime, type Problem } from './host/clock.ts'
import { heldTransport } from './host/transport.ts'
import { idsOf } from './ids.ts'
import { invalidInput, recordOf } from './input/known-keys.ts'
import {
  checkOptions,
  DEFAULT_CONCURRENCY,
  DEFAULT_TIMEOUT_MS,
  guardOptionsOf,
  type WebhooksOptions,
} from './options.ts'
import type { Parts } from './parts.ts'
import type { SubscriptionRecord } from './records.ts'
import { createReporter, harmless, warningLogger } from './report.ts'
import { createReseal } from './sealing/reseal.ts'
import { checkedSealer, unsealed } from './sealing.ts'
import type { Store } from './store.ts'
import { memoryStore } from './stores/memory.ts'
import { signingOptionOf } from './subscriptions/signing-input.ts'
import { testEvent } from './subscriptions/test-event.ts'
import { createSubscriptions } from './subscriptions.ts'
import { defaultTransport } from './transports/default.ts'
import type { StopOptions, Webhooks } from './webhooks-api.ts'

export type * from './webhooks-api.ts'

const DAY_MS = 86_400_000
const DRAIN_MS = 8_000

const UNSEALED =
  'Posthorn keeps signing secrets and header values unsealed, because `secrets` is not set: whoever reads the database can sign. Pass `secrets: sealedSecrets({ keys: [key] })` with a key of `openssl rand -base64 32`.'

/** @throws PosthornError `INVALID_INPUT` */
function spanOf(value: unknown, path: string): number {
  if (typeof value === 'number' && value >= 0 && value <= MAX_TIMER_MS) return value
  throw invalidInput(path, `must be 0 to ${MAX_TIMER_MS} milliseconds (an hour)`)
}

const isProduction = () => globalThis.process?.env?.NODE_ENV === 'production'

/**
 * Builds the sender. Does nothing until `publish` or `start` is called; two of them in one process do not meet.
 *
 * @throws PosthornError `INVALID_OPTION`, `CONTRADICTORY_OPTIONS`, `STORE_REQUIRED`
 */
export function createWebhooks<Events extends Catalog | null = null, Tx = never>(
  options: WebhooksOptions<Events, Tx> = {},
): Webhooks<Events, Tx> {
  checkOptions(options)
  const problem: Problem = (during, error) => report.problem(during, error)
  const { clock, random } = heldTime(options, problem)
  const logger = harmless(options.logger ?? warningLogger)
  const { customSchemes = [], timeoutMs = DEFAULT_TIMEOUT_MS } = options
  const guard = addressGuard(guardOptionsOf(options))
  const own = {
    clock,
    ...(options.userAgent === undefined ? {} : { userAgent: options.userAgent }),
    ...(options.proxy === undefined ? {} : { proxy: options.proxy }),
  }
  let carrier = options.transport ?? defaultTransport(own)
  const store = (options.store ?? memoryByDefault()) as Store<unknown>
  const report = createReporter(options.hooks ?? {}, logger, clock)
  const statistics = createStatistics(store, clock, random, report)
  const guarded = guardedTransport(() => carrier, guard)
  const parts: Parts = {
    store,
    transport: heldTransport(guarded, { clock, problem, isOurs: options.transport === undefined }),
    clock,
    random,
    ids: idsOf(options.ids, (error) => problem('ids', error)),
    catalog: options.events ?? null,
    validate: options.validate ?? 'throw',
    signing: signingOptionOf(options.signing, { customSchemes }),
    customSchemes,
    retry: options.retry === undefined ? defaultRetry : parseRetry(options.retry),
    report,
    statistics,
    sealer: checkedSealer(options.secrets ?? unsealed, clock, timeoutMs),
    defaultTenant: options.defaultTenant ?? null,
    timeoutMs,
    maxAgeMs: options.maxAgeMs ?? 5 * DAY_MS,
    retention: retentionOf(options.retention),
    maxBodyBytes: options.maxBodyBytes ?? 262_144,
    verifyEndpoint: options.verifyEndpoint ?? false,
    verifyOrigin: options.verifyOrigin ?? 'posthorn',
    maxSubscriptionsPerTenant: options.maxSubscriptionsPerTenant ?? null,
    concurrency: options.concurrency ?? DEFAULT_CONCURRENCY,
    perSubscription: options.concurrencyPerSubscription ?? Math.min(10, options.concurrency ?? 10),
    perOrigin: options.concurrencyPerOrigin ?? Math.min(20, options.concurrency ?? 20),
    guard,
    buckets: options.buckets ?? null,
    policy: policyOf(options, (error) => problem('tenantLimits', error)),
    envelope:
      options.envelope ??
      (({ type, occurredAt, data }) => ({ type, timestamp: occurredAt.toISOString(), data })),
    versions: options.versions ?? null,
    transform: options.transform ?? null,
    wake: () => schedule.wake(),
  }
  const holding = createHolding(parts)
  const worker = createWorker(parts, holding, {
    onProgress: () => schedule.progress(),
    onDueSoon: () => schedule.wake(),
  })
  const upkeep = createUpkeep(parts, holding)
  const schedule = createSchedule(parts, { worker, upkeep, releaser: holding.releaser, close })
  const publisher = createPublisher(
    parts,
    () => (schedule.running ? worker : null),
    () => schedule.wakeAfterCommit(),
  )

  function memoryByDefault() {
    if (isProduction()) {
      throw new PosthornError(
        'STORE_REQUIRED',
        'No `store` was given, and NODE_ENV is `production`: the memory store would lose every delivery with the process. Pass a store; memoryStore() of posthorn/memory if losing them is meant.',
        { path: 'store' },
      )
    }
    logger.warn(
      { store: 'memory' },
      'Posthorn keeps everything in memory, because no `store` was given: all is lost with the process.',
    )
    return memoryStore({ clock })
  }

  async function stop(given: StopOptions = {}): Promise<void> {
    const { drainMs = DRAIN_MS } = recordOf(given, ['drainMs'], 'the options')
    await schedule.stop(spanOf(drainMs, 'drainMs'))
  }

  async function close(): Promise<void> {
    const used = carrier
    if (options.transport === undefined) carrier = defaultTransport(own)
    await Promise.all([carrier === used ? null : used.close(), parts.store.close()])
  }

  return {
    subscriptions: createSubscriptions<Events>(parts, {
      releaseHeld: async (subscription: SubscriptionRecord) => {
        holding.releaser.mark(subscription.tenantId, subscription.id, subscription)
        await holding.releaser.run()
        parts.wake()
      },
      publishTest: async (subscription: SubscriptionRecord, type: string, pending: 'send' | 'drop') => {
        const event = await testEvent(subscription, type, pending, parts)
        await publisher.append([event])
        return { eventId: event.id, deliveryId: event.addressee.id }
      },
    }),
    deliveries: { ...createDeliveries(parts), ...createRecovery<Events>(parts) },
    jobs: createJobs(parts),
    attempts: createAttempts(parts),
    events: createEvents(parts),
    stats: createStats(parts),
    health: createHealth(parts),
    catalog: (options.events ?? null) as Events,
    defaultTenant: parts.defaultTenant,
    publish: (type, data, publishOptions = {}) =>
      publisher.publish(type, data, publishOptions as PublishOptions),
    publishMany: (publications, manyOptions = {}) => publisher.publishMany(publications, manyOptions),
    async start() {
      if (options.secrets === undefined && isProduction()) logger.warn({ option: 'secrets' }, UNSEALED)
      await schedule.start()
    },
    stop,
    async tick(given) {
      const { budgetMs } = recordOf(given, ['budgetMs'], 'the options')
      await schedule.tick(spanOf(budgetMs, 'budgetMs'))
      await statistics.flush()
    },
    drain: () => schedule.drain().then(() => statistics.flush()),
    migrate: async () => (await parts.store.migrate?.()) ?? { from: 0, to: 0, applied: [] },
    wake: () => schedule.wake(),
    resealSecrets: createReseal(parts),
    eraseTenant: createEraseTenant(parts),
    [Symbol.asyncDispose]: () => stop(),
  }
}
