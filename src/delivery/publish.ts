/**
 * From a call of `publish` to stored rows: check, wrap, serialise once, append. Concurrent calls share a statement,
 * except those in a caller's transaction or with an id or key of their own, which must not block the others.
 */

import { nextTurn } from '../clock.ts'
import { PosthornError } from '../errors.ts'
import { takenId } from '../ids.ts'
import { writingTenantOf } from '../input/tenant.ts'
import type { Metadata } from '../model.ts'
import type { Parts } from '../parts.ts'
import type { Appended } from '../queries.ts'
import type { NewEvent } from '../records.ts'
import { checkEventType } from '../subscriptions/input.ts'
import { retryInput } from '../subscriptions/limits-input.ts'
import { channelsOf } from '../subscriptions/selection-input.ts'
import type { RetryPolicy } from './backoff.ts'
import { checkRoot, serialise } from './body.ts'
import { destinationOf, type OneUseDestination } from './destination.ts'
import { noteData } from './event-data.ts'
import { checkPublications, checkPublishOptions } from './publish-options.ts'
import { createTogether, notTaken } from './together.ts'
import type { Worker } from './worker.ts'

/** Options of `publish`. */
export interface PublishOptions<Tx = unknown> {
  /** Whose event it is; may be left out when `defaultTenant` is set. */
  readonly tenantId?: string | undefined
  /** Own id, 1–64 of `A–Z a–z 0–9 _ -`: it is the `webhook-id`. The first event of an id wins. */
  readonly id?: string | undefined
  /** Of two publishes of a tenant with the same key the first wins; the second returns it with `duplicate: true`. */
  readonly idempotencyKey?: string | undefined
  /** When it happened. @default now */
  readonly occurredAt?: Date | undefined
  /** Deliver at this time, up to 90 days ahead. @default at once */
  readonly deliverAt?: Date | undefined
  /** Deliver this much later, in ms, up to 90 days; not together with `deliverAt`. @default 0 */
  readonly delayMs?: number | undefined
  /** Labels that subscriptions select by, 1 to 10 texts up to 128 characters. @default none: only subscriptions without channels get it */
  readonly channels?: readonly string[] | undefined
  /** The caller's open transaction: the event is sent if it commits, and never was if it rolls back. */
  readonly tx?: Tx | undefined
  /** Deliver to this destination only. */
  readonly to?: OneUseDestination | undefined
  /** Record the event, deliver it to nobody. Wins over `to`. */
  readonly skip?: boolean | undefined
  readonly metadata?: Metadata | undefined
  /** Deliveries of one key keep their order at subscriptions with `ordering: 'key'`. @default none: it waits for nobody there */
  readonly orderingKey?: string | undefined
  /** The event's own retry policy, which wins over the subscription's; `'never'`: at most once. */
  readonly retry?: RetryPolicy | 'never' | undefined
}

/** What `publish` returns. */
export interface Published {
  readonly id: string
  /** True when this event was stored before, by id or idempotency key. */
  readonly duplicate: boolean
  readonly publishedAt: Date
}

/** One entry of `publishMany`. */
export interface PublishEntry {
  readonly type: string
  readonly data: unknown
  readonly options: PublishOptions
}

/** `worker` takes events that were appended already claimed; `afterTx` is called after a publish in a transaction. */
export function createPublisher(parts: Parts, worker: () => Worker | null, afterTx: () => void) {
  const together = createTogether(parts.store, append)

  function toEvent(type: string, data: unknown, options: PublishOptions): NewEvent | Promise<NewEvent> {
    checkPublishOptions(options, parts.clock.now())
    const tenantId = writingTenantOf(options, parts.defaultTenant)
    checkEventType(type, null)
    checkRoot(data, 'data')
    if (parts.validate !== 'off' && parts.catalog !== null) {
      const result = parseData(type, data)
      if (result instanceof Promise) return result.then(() => build(type, data, options, tenantId))
    }
    return build(type, data, options, tenantId)
  }

  function parseData(type: string, data: unknown): unknown {
    try {
      const result = parts.catalog?.parse(type, data)
      return result instanceof Promise ? result.catch(onInvalid) : result
    } catch (error) {
      return onInvalid(error)
    }
  }

  function onInvalid(error: unknown): void {
    if (parts.validate === 'throw' || !(error instanceof PosthornError)) throw error
    parts.report.problem('validate', error)
  }

  function build(
    type: string,
    data: unknown,
    options: PublishOptions,
    tenantId: string,
  ): NewEvent | Promise<NewEvent> {
    const id = options.id ?? parts.ids.event()
    const occurredAt = options.occurredAt ?? new Date(parts.clock.now())
    const metadata = { ...options.metadata }
    const wrapped = envelope(parts, { id, type, tenantId, data, occurredAt, metadata })
    const body = serialise(wrapped, parts.maxBodyBytes).text
    const event: NewEvent = {
      id,
      tenantId,
      type,
      body,
      metadata,
      orderingKey: options.orderingKey ?? null,
      settings: {
        ...noteData(wrapped, data, parts.maxBodyBytes),
        ...(options.retry === undefined ? {} : { retry: retryInput(options.retry) }),
        ...(options.channels === undefined ? {} : { channels: channelsOf(options.channels) }),
      },
      test: false,
      skipped: options.skip === true,
      idempotencyKey: options.idempotencyKey ?? null,
      occurredAt: occurredAt.getTime(),
      ...(options.deliverAt === undefined ? {} : { dueAt: options.deliverAt.getTime() }),
      ...(options.delayMs === undefined ? {} : { delayMs: options.delayMs }),
    }
    if (options.to === undefined || options.skip === true) return event
    const sealed = destinationOf(options.to, tenantId, parts)
    return sealed instanceof Promise
      ? sealed.then((text) => addressed(event, text))
      : addressed(event, sealed)
  }

  function addressed(event: NewEvent, destination: string): NewEvent {
    const { maxAgeMs, ids } = parts
    const base = { subscriptionId: null, body: null, headers: null, test: false, maxAgeMs }
    return { ...event, addressee: { ...base, id: ids.delivery(), destination } }
  }

  /** Appends now, in one statement. */
  async function append(
    events: readonly NewEvent[],
    tx?: unknown,
    onRefused?: (cause: unknown) => void,
  ): Promise<readonly Appended[]> {
    const taker = tx === undefined ? worker() : null
    const claim = taker?.claimForAppend(events) ?? null
    const askedAt = parts.clock.monotonic()
    const heard = onRefused === undefined ? {} : { onRefused }
    const options = tx !== undefined ? { tx, ...heard } : claim === null ? {} : { claim }
    const { appended, versions } = await parts.store.append(events, options)
    const work = appended.flatMap((entry) => (entry.work === null ? [] : [entry.work]))
    if (taker !== null && work.length > 0) taker.accept(work, versions, askedAt)
    if (tx !== undefined) afterTx()
    else if (work.length < appended.length) parts.wake()
    for (const { event, duplicate } of appended) {
      parts.report.published({ eventId: event.id, tenantId: event.tenantId, type: event.type, duplicate })
    }
    // A store in this process answers at once: a caller that awaits one publish after another would keep the event loop from turning.
    if (tx === undefined) await new Promise<void>(nextTurn)
    return appended
  }

  return {
    /**
     * Not async before the append, so that a synchronous driver has run the INSERT when the call returns. In a transaction
     * that runs at once it throws what it refuses: that transaction would have committed before a promise rejects.
     */
    publish(type: string, data: unknown, options: PublishOptions): Promise<Published> {
      return atOnce(options?.tx, (onRefused) => {
        const event = toEvent(type, data, options)
        if (event instanceof Promise) return event.then((made) => appendOne(made, options))
        return appendOne(event, options, onRefused)
      })
    },

    /** All or nothing: one statement. */
    publishMany(publications: unknown, options: unknown): Promise<readonly Published[]> {
      const { tx } = (options ?? {}) as { tx?: unknown }
      return atOnce(tx, (onRefused) => appendMany(publications, options, onRefused))
    },

    /** Appends events that the library made itself (tests of a subscription). */
    append,
  }

  function atOnce<T>(tx: unknown, work: (onRefused?: (cause: unknown) => void) => Promise<T>): Promise<T> {
    if (tx === undefined || parts.store.runsAtOnce?.(tx) !== true) {
      try {
        return work()
      } catch (error) {
        return Promise.reject(error)
      }
    }
    let refused: { readonly cause: unknown } | null = null
    const published = work((cause) => {
      refused ??= { cause }
    })
    if (refused === null) return published
    published.catch(() => {})
    throw (refused as { readonly cause: unknown }).cause
  }

  function appendMany(
    publications: unknown,
    options: unknown,
    onRefused?: (cause: unknown) => void,
  ): Promise<readonly Published[]> {
    const { entries, tx } = checkPublications(publications, options)
    const events = entries.map(({ type, data, options }) => toEvent(type, data, options))
    const store = async (made: readonly NewEvent[]) => {
      const appended = made.length === 0 ? [] : await append(made, tx, onRefused)
      entries.forEach(({ options }, index) => {
        refuseTaken(made[index], appended[index], options, `publications[${index}]`)
      })
      return appended.map(present)
    }
    return events.some((event) => event instanceof Promise)
      ? Promise.all(events).then(store)
      : store(events as NewEvent[])
  }

  async function appendOne(
    event: NewEvent,
    options: PublishOptions,
    onRefused?: (cause: unknown) => void,
  ): Promise<Published> {
    if (options.id === undefined && options.idempotencyKey === undefined && options.tx === undefined)
      return present(await together(event))
    const appended = first(
      options.tx === undefined ? await appendAlone(event) : await append([event], options.tx, onRefused),
    )
    refuseTaken(event, appended, options, 'ids.event')
    return present(appended)
  }

  async function appendAlone(event: NewEvent): Promise<readonly Appended[]> {
    try {
      return await append([event])
    } catch (cause) {
      throw notTaken(parts.store.name, cause)
    }
  }
}

function envelope(parts: Parts, input: Parameters<Parts['envelope']>[0]): unknown {
  try {
    return parts.envelope(input)
  } catch (cause) {
    throw new PosthornError(
      'PAYLOAD_NOT_SERIALISABLE',
      `The envelope of ${input.type} could not be made: the \`envelope\` option threw.`,
      { cause },
    )
  }
}

function first(appended: readonly Appended[]): Appended {
  const [entry] = appended
  if (entry === undefined)
    throw new PosthornError('STORE_FAILED', 'The store appended nothing and gave no error.')
  return entry
}

/** An id of the caller's own may be there already, and so may a key; a generated one may not. */
function refuseTaken(
  asked: NewEvent | undefined,
  stored: Appended | undefined,
  { id }: PublishOptions,
  path: string,
): void {
  if (stored?.duplicate !== true || asked === undefined || id !== undefined) return
  const byKey = asked.idempotencyKey !== null && asked.idempotencyKey === stored.event.idempotencyKey
  if (!byKey) throw takenId(path)
}

function present({ event, duplicate }: Appended): Published {
  return { id: event.id, duplicate, publishedAt: new Date(Math.floor(event.publishedAt)) }
}
