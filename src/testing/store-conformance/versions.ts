/** Cases: which calls move the version of a tenant's subscriptions, and who is told of it. */
import assert from 'node:assert/strict'
import { anyTenant } from '../../model.ts'
import type { SubscriptionPatch } from '../../records.ts'
import type { CaseGroup } from './case.ts'
import { SUBSCRIPTION, TENANT } from './lab.ts'

/** A change of each field that moves it. */
const PATCHES: readonly SubscriptionPatch[] = [
  { url: 'https://another.test/' },
  { events: ['order.*'] },
  { name: 'a name' },
  { name: null },
  { description: 'a description' },
  { headers: { 'x-b': '2' } },
  { metadata: { area: 'eu' } },
  { settings: { retry: [1] } },
  { state: 'paused' },
  { pausedBy: 'user' },
  { state: 'disabled', pausedBy: null },
  { disabledReason: 'failing' },
  { state: 'active' },
  { disabledReason: null },
  { secrets: [{ value: 'whsec_b', createdAt: 1, expiresAt: null }] },
  { rotate: { value: 'whsec_c', overlapMs: 5_000, keep: 2 } },
  { condition: { failures: 1 }, name: 'both' },
]

/** See the file's header. */
export const versionCases: CaseGroup = {
  group: 'versions',
  cases: [
    {
      name: 'a change of each field moves the version, and changes this field alone',
      must: 'bumps the version unless the patch names nothing but condition; an absent one stays',
      async run({ store, subscribe, version }) {
        const full = {
          headers: { 'x-a': '1' },
          metadata: { plan: 'pro' },
          settings: { a: 1 },
          condition: { b: 1 },
        }
        await subscribe({ ...full, pausedBy: 'breaker', disabledReason: 'gone' })
        for (const patch of PATCHES) {
          const [before, known] = [await store.getSubscription(TENANT, SUBSCRIPTION), await version()]
          const after = await store.updateSubscription(TENANT, SUBSCRIPTION, patch)
          assert.ok(before !== null && after !== null && after !== 'conflict')
          assert.ok((await version()) > known, `${Object.keys(patch)} moves it`)
          const { rotate, ...fields } = patch
          const { updatedAt, disabledAt } = after
          const secrets = rotate === undefined ? (patch.secrets ?? before.secrets) : after.secrets
          const revision = before.revision + 1
          assert.deepEqual(after, { ...before, ...fields, secrets, updatedAt, disabledAt, revision })
          assert.deepEqual(await store.getSubscription(TENANT, SUBSCRIPTION), after)
        }
        const known = await version()
        const condition = { failures: 2 }
        const after = await store.updateSubscription(TENANT, SUBSCRIPTION, { condition })
        assert.ok(after !== null && after !== 'conflict')
        assert.deepEqual(
          [after.condition, await version()],
          [condition, known],
          'a condition does not move it',
        )
      },
    },
    {
      name: 'an operator’s changes move the version of the tenant that they are made to',
      must: 'bumps the version; versions are per tenant',
      async run({ store, subscribe, version }) {
        for (const tenantId of [TENANT, 'other']) await subscribe({ tenantId, id: `of-${tenantId}` })
        const before = [await version(), await version('other')] as const
        await store.updateSubscription(anyTenant, 'of-other', { name: 'x' })
        const between = await version('other')
        assert.ok(between > before[1])
        await store.deleteSubscription(anyTenant, 'of-other')
        assert.ok((await version('other')) > between)
        assert.equal(await version(), before[0])
      },
    },
    {
      name: 'what is refused leaves the version as it is',
      must: 'null when the tenant already has this id; null when it does not exist; conflict when the guard did not hold',
      async run({ store, subscribe, subscription, version, publish }) {
        await subscribe()
        const before = await version()
        const another = subscription({ id: 'sub-b' })
        assert.equal(await store.insertSubscription(subscription()), null)
        assert.equal(await store.insertSubscription(another, { perTenant: 1 }), 'limit')
        assert.equal(
          await store.updateSubscription(TENANT, SUBSCRIPTION, { name: 'x' }, { revision: 9 }),
          'conflict',
        )
        assert.equal(await store.updateSubscription(TENANT, 'none', { name: 'x' }), null)
        assert.equal(await store.deleteSubscription(TENANT, 'none'), null)
        await publish()
        assert.equal(await version(), before)
      },
    },
    {
      name: 'a tenant without subscriptions has no version, whatever else it has',
      must: '0 where the tenant has none: it never had a subscription, or was erased',
      async run({ store, event, version, subscription, newDelivery, claim }) {
        const addressee = newDelivery({ subscriptionId: null, destination: 'sealed' })
        const tenants = ['plain', 'addressed', 'job', 'skipped', 'limited']
        const { versions } = await store.append([
          event({ tenantId: 'plain' }),
          event({ tenantId: 'addressed', addressee }),
          event({ tenantId: 'skipped', skipped: true }),
        ])
        assert.deepEqual([...versions].sort(), [
          ['addressed', 0],
          ['plain', 0],
          ['skipped', 0],
        ])
        await store.addJob('job', { state: 'running' })
        const one = subscription({ tenantId: 'limited' })
        assert.equal(await store.insertSubscription(one, { perTenant: 0 }), 'limit')
        const claimed = await claim()
        assert.deepEqual([...claimed.versions].sort(), [
          ['addressed', 0],
          ['job', 0],
          ['plain', 0],
        ])
        for (const tenantId of tenants) assert.equal(await version(tenantId), 0, tenantId)
      },
    },
  ],
}
