/**
 * Which subscriptions want an event. The tenant's subscriptions are kept in memory by version: a claim and an
 * append say the version they saw, and an older view is loaded again before anything is matched.
 */

import type { EventRecord, SubscriptionRecord } from '../records.ts'
import type { Store } from '../store.ts'
import { orderingOf } from './limits.ts'
import { choiceError, selectable, selects } from './selects.ts'

/** A tenant's subscriptions, in byte order of their ids. */
export interface TenantView {
  readonly version: number
  readonly subscriptions: readonly SubscriptionRecord[]
  readonly byId: ReadonlyMap<string, SubscriptionRecord>
  /** True when one of them keeps an order. */
  readonly ordered: boolean
}

/** The event's subscriptions with `after < id ≤ upTo`: not disabled, created before it was published, and wanting it. */
export function match(
  view: TenantView,
  event: EventRecord,
  range: { readonly after: string | null; readonly upTo: string | null },
): SubscriptionRecord[] {
  const chosen = selectable(event)
  return view.subscriptions.filter(
    (subscription) =>
      (range.after === null || subscription.id > range.after) &&
      (range.upTo === null || subscription.id <= range.upTo) &&
      subscription.state !== 'disabled' &&
      event.publishedAt >= subscription.createdAt &&
      selects(subscription, chosen),
  )
}

/** Version 0 is that of a tenant without one: it has no subscriptions, and perhaps was erased. No older view shows that. */
function isAsNewAs(view: TenantView, version: number): boolean {
  return version === 0 ? view.version === 0 : view.version >= version
}

const PAGE = 1_000

/** Keeps the views of the `maxTenants` tenants used last; `problem` is told of rows that cannot be matched. */
export function createTenantViews(
  store: Store<unknown>,
  problem: (during: string, cause: unknown) => void,
  maxTenants = 10_000,
) {
  const views = new Map<string, TenantView>()
  /** Loads under way: whoever asks meanwhile for a version that this one may not have loads after it. */
  const loading = new Map<string, Promise<TenantView>>()

  /** Whoever asks first goes on first, so that events keep their order. */
  function loaded(tenantId: string, version: number): Promise<TenantView> {
    const underWay = loading.get(tenantId)
    if (underWay === undefined) return begin(tenantId)
    // What is under way when the one before has ended began after this was asked for, so that it is new enough.
    return underWay.then((view) =>
      isAsNewAs(view, version) ? view : (loading.get(tenantId) ?? begin(tenantId)),
    )
  }

  function begin(tenantId: string): Promise<TenantView> {
    const started = load(tenantId).finally(() => loading.delete(tenantId))
    loading.set(tenantId, started)
    return started
  }

  async function load(tenantId: string): Promise<TenantView> {
    const subscriptions: SubscriptionRecord[] = []
    let version = 0
    let after: string | null = null
    for (;;) {
      const page = await store.snapshot(tenantId, { after, upTo: null, limit: PAGE })
      if (subscriptions.length > 0 && page.version !== version) {
        subscriptions.length = 0
        after = null
        version = page.version
        continue
      }
      version = page.version
      subscriptions.push(...page.subscriptions)
      const last = page.subscriptions.at(-1)
      if (!page.more || last === undefined) break
      after = last.id
    }
    const byId = new Map(subscriptions.map((row) => [row.id, row]))
    const ordered = subscriptions.some((row) => orderingOf(row) !== 'none')
    const view = { version, subscriptions, byId, ordered }
    for (const row of subscriptions) {
      const error = choiceError(row)
      if (error !== null) problem('filter', error)
    }
    views.delete(tenantId)
    views.set(tenantId, view)
    if (views.size > maxTenants) {
      const [oldest] = views.keys()
      if (oldest !== undefined) views.delete(oldest)
    }
    return view
  }

  return {
    /** The tenant's view, at least as new as `version`. */
    at(tenantId: string, version: number): TenantView | Promise<TenantView> {
      const view = views.get(tenantId)
      return view !== undefined && isAsNewAs(view, version) ? view : loaded(tenantId, version)
    },
  }
}

/** See `createTenantViews`. */
export type TenantViews = ReturnType<typeof createTenantViews>
