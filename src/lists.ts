/** CONTRACT, part four: what the lists of a store are asked, as plain data: pages, filters, and the rows they answer. */
import type { DeliveryState, Metadata, SubscriptionState, TenantScope } from './model.ts'

/** A page of a list: by key (rows strictly after `after`) or by `offset`. */
export interface Page {
  /** Rows at most; the engine passes 1 to 1,001. */
  readonly limit: number
  /** Newest first by (instant, id) unless `oldest`, over all tenants asked for. Rows of two tenants that have both alike have no order. */
  readonly order?: 'newest' | 'oldest'
  /** Any place in that order, whether or not a row stands there (any more). */
  readonly after?: { readonly at: number; readonly id: string }
  readonly offset?: number
  /** Count all matching rows, too, those before the page and after it among them. */
  readonly total?: boolean
}

/** Rows of a page; `total` is null unless it was asked for. */
export interface Rows<Row> {
  readonly rows: readonly Row[]
  readonly total: number | null
}

/** Tenants whose rows a list shows: one, several, or every. */
export type TenantFilter = TenantScope | readonly string[]

export interface SubscriptionFilter {
  readonly tenant: TenantFilter
  readonly state?: SubscriptionState
  /** Holds this exact name or pattern, or a pattern that matches it. `matchesPattern` of `patterns.ts` decides. */
  readonly eventType?: string
  /** Each key has exactly this value. */
  readonly metadata?: Metadata
}

export interface EventFilter {
  readonly tenant: TenantFilter
  readonly type?: string
  /** publishedAt ≥ since, < until. */
  readonly since?: number
  readonly until?: number
}

export interface DeliveryFilter {
  readonly tenant: TenantFilter
  readonly subscriptionId?: string
  readonly eventId?: string
  readonly type?: string
  readonly state?: DeliveryState
  /** createdAt ≥ since, < until. */
  readonly since?: number
  readonly until?: number
}

export interface AttemptFilter {
  readonly tenant: TenantFilter
  readonly subscriptionId?: string
  readonly deliveryId?: string
  readonly eventId?: string
  readonly type?: string
  /** startedAt ≥ since, < until. */
  readonly since?: number
  readonly until?: number
}

export interface JobFilter {
  readonly tenant: TenantFilter
  /** The job's field `state` is exactly this text. */
  readonly state?: string
}
