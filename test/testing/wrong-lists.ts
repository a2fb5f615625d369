/** Deliberately wrong stores: what each gets wrong about lists. */

import type { Page, Rows, TenantFilter } from '../../src/lists.ts'
import { anyTenant } from '../../src/model.ts'
import type { AnyStore, Flaw } from './wrong-jobs.ts'

const everything: Page = { limit: 10_000 }

/** One row of any list. */
interface Listed {
  readonly id: string
  readonly tenantId: string
}

/** The page whose total is worked out anew. */
const counting =
  (count: (right: AnyStore, rows: readonly Listed[], page: Page) => Promise<number>): Flaw =>
  (right) => ({
    async listDeliveries(filter, page) {
      const { rows, total } = await right.listDeliveries(filter, page)
      return { rows, total: total === null ? null : await count(right, rows, page) }
    },
  })

/** Rows that fit what is asked of them here, paged here. */
async function pageOf<Row>(rows: readonly Row[], page: Page): Promise<Rows<Row>> {
  const start = page.offset ?? 0
  return { rows: rows.slice(start, start + page.limit), total: page.total === true ? rows.length : null }
}

const several = (tenant: TenantFilter, make: (tenants: readonly string[]) => TenantFilter): TenantFilter =>
  Array.isArray(tenant) ? make(tenant) : tenant

/** See the file's header. */
export const wrongLists: Readonly<Record<string, Flaw>> = {
  'a list of subscriptions begins anew after its cursor': (right) => ({
    listSubscriptions: (filter, { after: _after, ...page }) => right.listSubscriptions(filter, page),
  }),
  'a list of subscriptions ignores its limit': (right) => ({
    listSubscriptions: (filter, page) => right.listSubscriptions(filter, { ...page, limit: 10_000 }),
  }),
  'a list is the oldest first unless it is asked for the newest': (right) => ({
    listAttempts: (filter, page) => right.listAttempts(filter, { ...page, order: page.order ?? 'oldest' }),
  }),
  'a cursor must stand at a row that is there': (right) => ({
    async listDeliveries(filter, page) {
      const { after } = page
      const { rows } = await right.listDeliveries(filter, everything)
      const isThere = after === undefined || rows.some(({ id }) => id === after.id)
      return isThere ? right.listDeliveries(filter, page) : pageOf([], page)
    },
  }),
  'a list of every tenant is sorted tenant by tenant': (right) => ({
    async listEvents(filter, page) {
      if (filter.tenant !== anyTenant || page.after !== undefined) return right.listEvents(filter, page)
      const { total: _total, offset: _offset, ...whole } = { ...page, ...everything }
      const { rows } = await right.listEvents(filter, whole)
      return pageOf(
        [...rows].sort((a, b) => (a.tenantId < b.tenantId ? -1 : Number(a.tenantId > b.tenantId))),
        page,
      )
    },
  }),
  'a total counts the page alone': counting(async (_right, rows) => rows.length),
  'a total counts all tenants': counting(async (right) => {
    const { total } = await right.listDeliveries({ tenant: anyTenant }, { limit: 1, total: true })
    return total ?? 0
  }),
  'a list of several tenants is that of the first': (right) => ({
    listAttempts: (filter, page) =>
      right.listAttempts({ ...filter, tenant: several(filter.tenant, (all) => all.slice(0, 1)) }, page),
  }),
  'a list of no tenants is that of every one': (right) => ({
    listDeliveries: (filter, page) =>
      right.listDeliveries(
        { ...filter, tenant: several(filter.tenant, (all) => (all.length === 0 ? anyTenant : all)) },
        page,
      ),
  }),
  'deliveries of an event are those of all tenants': (right) => ({
    listDeliveries: (filter, page) =>
      right.listDeliveries(filter.eventId === undefined ? filter : { ...filter, tenant: anyTenant }, page),
  }),
  'of two filters of attempts one is looked at': (right) => ({
    listAttempts: ({ deliveryId, ...filter }, page) =>
      right.listAttempts(deliveryId === undefined ? filter : { tenant: filter.tenant, deliveryId }, page),
  }),
  'the state of deliveries is not looked at for every tenant': (right) => ({
    listDeliveries: ({ state, ...filter }, page) =>
      right.listDeliveries(
        filter.tenant === anyTenant || state === undefined ? filter : { ...filter, state },
        page,
      ),
  }),
  'since is exclusive': (right) => ({
    listAttempts: ({ since, ...filter }, page) =>
      right.listAttempts(since === undefined ? filter : { ...filter, since: since + 0.001 }, page),
  }),
  'until is inclusive': (right) => ({
    listAttempts: ({ until, ...filter }, page) =>
      right.listAttempts(until === undefined ? filter : { ...filter, until: until + 0.001 }, page),
  }),
  'labels of a subscription need only begin as they were asked for': (right) => ({
    async listSubscriptions({ metadata, ...filter }, page) {
      if (metadata === undefined) return right.listSubscriptions(filter, page)
      const { total: _total, offset: _offset, ...whole } = { ...page, ...everything }
      const { rows } = await right.listSubscriptions(filter, whole)
      const fits = (labels: Readonly<Record<string, string>>) =>
        Object.entries(metadata).every(([key, value]) => labels[key]?.startsWith(value) === true)
      return pageOf(
        rows.filter((row) => fits(row.metadata)),
        page,
      )
    },
  }),
}
