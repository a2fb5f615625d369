/** Deliberately wrong stores: what each gets wrong about versions, what an operator reaches, opening, and sizes. */
import { anyTenant, type TenantScope } from '../../src/model.ts'
import type { SubscriptionPatch } from '../../src/records.ts'
import type { AnyStore, Flaw } from './wrong-jobs.ts'

/** Versions that stand still when `stays` says so: the rest of the kit sees them a little lower than they are. */
const unmoved =
  (stays: (scope: TenantScope, patch: SubscriptionPatch) => boolean): Flaw =>
  (right) => {
    const behind = new Map<string, number>()
    const versionOf = async (tenantId: string) =>
      (await right.snapshot(tenantId, { after: null, upTo: null, limit: 1 })).version
    const seen = (versions: ReadonlyMap<string, number>) =>
      new Map([...versions].map(([tenantId, version]) => [tenantId, version - (behind.get(tenantId) ?? 0)]))
    const told = async <Answer extends { readonly versions: ReadonlyMap<string, number> }>(
      answer: Promise<Answer>,
    ) => ({ ...(await answer), versions: seen((await answer).versions) })
    return {
      claim: (request) => told(right.claim(request)),
      append: (events, options) => told(right.append(events, options)),
      async snapshot(tenantId, range) {
        const { version, ...rows } = await right.snapshot(tenantId, range)
        return { ...rows, version: version - (behind.get(tenantId) ?? 0) }
      },
      async updateSubscription(scope, id, patch, guard) {
        const tenantId = (await right.getSubscription(scope, id))?.tenantId ?? ''
        const before = await versionOf(tenantId)
        const answer = await right.updateSubscription(scope, id, patch, guard)
        const moved = (await versionOf(tenantId)) - before
        if (stays(scope, patch)) behind.set(tenantId, (behind.get(tenantId) ?? 0) + moved)
        return answer
      },
    }
  }

/** A store that has no rows for who may see those of every tenant. */
const blind = (scope: TenantScope): boolean => scope === anyTenant

const opened = (right: AnyStore, again: () => Promise<void>): Partial<AnyStore> => {
  let times = 0
  return { open: () => (times++ === 0 ? right.open() : again()) }
}

/** See the file's header. */
export const wrongVersions: Readonly<Record<string, Flaw>> = {
  'other secrets of a subscription do not move the version': unmoved(
    (_scope, { secrets }) => secrets !== undefined,
  ),
  'a rotation does not move the version': unmoved((_scope, { rotate }) => rotate !== undefined),
  'what an operator changes does not move the version': unmoved(blind),
  'a tenant that never had a subscription has a version': (right) => ({
    async claim(request) {
      const claimed = await right.claim(request)
      return { ...claimed, versions: new Map([...claimed.versions].map(([id, known]) => [id, known || 1])) }
    },
  }),
  'an operator finds no subscription': (right) => ({
    getSubscription: async (scope, id) => (blind(scope) ? null : right.getSubscription(scope, id)),
  }),
  'an operator finds no event': (right) => ({
    getEvent: async (scope, id) => (blind(scope) ? null : right.getEvent(scope, id)),
  }),
  'a text of digits is the number of a delivery': (right) => ({
    getDelivery: (scope, id) => right.getDelivery(scope, /^\d+$/.test(`${id}`) ? Number(id) : id),
  }),
  'labels are added to those that are there': (right) => ({
    async updateSubscription(scope, id, patch, guard) {
      const before = await right.getSubscription(scope, id)
      const metadata = { ...before?.metadata, ...patch.metadata }
      const changed = patch.metadata === undefined ? patch : { ...patch, metadata }
      return right.updateSubscription(scope, id, changed, guard)
    },
  }),
  'it can be opened once': (right) => opened(right, () => Promise.reject(new Error('it is open'))),
  'what is opened again is empty': (right) =>
    opened(right, async () => {
      while (!(await right.eraseTenant('acme', 1_000)));
    }),
  'it can be closed once': (right) => {
    let closed = false
    return {
      async close() {
        if (closed) throw new Error('it is closed')
        closed = true
        await right.close()
      },
    }
  },
  'a page has a thousand rows at most': (right) => ({
    listAttempts: (filter, page) =>
      right.listAttempts(filter, { ...page, limit: Math.min(page.limit, 1_000) }),
  }),
  'a call takes a hundred outcomes at most': (right) => ({
    record: (outcomes) => right.record(outcomes.slice(0, 100)),
  }),
  'a release forgets the slots of the tenant where it has its own': (right) => ({
    release: ({ tenant, ...request }) =>
      right.release(
        request.slots === undefined && tenant !== undefined ? { ...request, tenant } : { ...request },
      ),
  }),
  'the next token is that of the own bucket': (right) => ({
    async release(request) {
      const released = await right.release(request)
      const { tenant: _tenant, ...own } = { ...request, limit: 0 }
      return request.rate === undefined
        ? released
        : { ...released, nextAt: (await right.release(own)).nextAt }
    },
  }),
}
