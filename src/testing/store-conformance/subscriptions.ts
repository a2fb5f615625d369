/** Cases: subscriptions, their guards, secrets, versions and snapshots. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { SUBSCRIPTION, TENANT } from './lab.ts'

/** See the file's header. */
export const subscriptionCases: CaseGroup = {
  group: 'subscriptions',
  cases: [
    {
      name: 'insert returns the row with its stamps and revision 1',
      must: 'the store adds createdAt, updatedAt, revision, and createdAt of its secrets',
      async run({ store, subscribe, subscription }) {
        const given = subscription({
          ...{ settings: { a: [1, null] }, condition: { streak: 2 }, headers: { 'x-a': 'b' } },
          ...{ metadata: { plan: 'pro' }, events: ['order.*'], url: 'https://another.test/' },
          ...{ name: 'a name', description: 'a description', state: 'disabled', pausedBy: 'user' },
          ...{ disabledReason: 'failing', disabledAt: 1_700_000_000_000 },
          secrets: [{ value: 'whsec_first' }, { value: 'whsec_second' }],
        })
        const row = await subscribe(given)
        const { createdAt } = row
        assert.equal(typeof createdAt, 'number')
        const secrets = given.secrets.map(({ value }) => ({ value, createdAt, expiresAt: null }))
        assert.deepEqual(row, { ...given, secrets, createdAt, updatedAt: createdAt, revision: 1 })
        assert.deepEqual(await store.getSubscription(TENANT, SUBSCRIPTION), row)
      },
    },
    {
      name: 'insert answers null for an id that the tenant has, and changes nothing',
      must: 'or null when the tenant already has this id',
      async run({ store, subscribe, subscription }) {
        const first = await subscribe()
        assert.equal(await store.insertSubscription(subscription({ url: 'https://other.test/' })), null)
        assert.deepEqual(await store.getSubscription(TENANT, SUBSCRIPTION), first)
        const elsewhere = await store.insertSubscription(subscription({ tenantId: 'other' }))
        assert.ok(elsewhere !== null && elsewhere !== 'limit', 'ids of two tenants do not meet')
      },
    },
    {
      name: 'of concurrent inserts of one id, one wins',
      must: 'concurrent calls behave as if one came after the other',
      async run({ store, subscription }) {
        const rows = await Promise.all(
          Array.from({ length: 8 }, () => store.insertSubscription(subscription())),
        )
        assert.equal(rows.filter((row) => row !== null).length, 1)
      },
    },
    {
      name: 'insert keeps the limit per tenant, also between concurrent calls',
      must: "limits.perTenant → 'limit'",
      async run({ store, subscription }) {
        const insert = (id: string) => store.insertSubscription(subscription({ id }), { perTenant: 2 })
        const rows = await Promise.all(['a', 'b', 'c', 'd'].map(insert))
        assert.equal(rows.filter((row) => row === 'limit').length, 2)
        const other = await store.insertSubscription(subscription({ tenantId: 'other' }), { perTenant: 1 })
        assert.notEqual(other, 'limit', "another tenant's subscriptions do not count")
      },
    },
    {
      name: 'of many concurrent inserts at the limit of a tenant, exactly what is left of it succeeds',
      must: "limits.perTenant → 'limit'; concurrent calls behave as if one came after the other",
      async run({ store, subscription }) {
        const limits = { perTenant: 5 }
        const insert = (id: string, tenantId = TENANT) =>
          store.insertSubscription(subscription({ id, tenantId }), limits)
        for (const id of ['first', 'second', 'third']) assert.notEqual(await insert(id), 'limit')
        const ids = Array.from({ length: 24 }, (_, n) => `late-${n}`)
        const [rows, others] = await Promise.all([
          Promise.all(ids.map((id) => insert(id))),
          Promise.all(ids.map((id) => insert(id, 'other'))),
        ])
        const made = (results: typeof rows) => results.filter((row) => row !== null && row !== 'limit').length
        assert.equal(made(rows), 2, 'two were left of five')
        assert.equal(made(others), 5, "another tenant's limit is its own")
        const kept = async (tenantId: string) =>
          (await store.snapshot(tenantId, { after: null, upTo: null, limit: 100 })).subscriptions.length
        assert.deepEqual([await kept(TENANT), await kept('other')], [5, 5])
        await store.deleteSubscription(TENANT, 'first')
        const again = await Promise.all(ids.map((id) => insert(`again-${id}`)))
        assert.equal(made(again), 1, 'what was deleted makes room for one')
      },
    },
    {
      name: 'update changes what the patch names, and nothing else',
      must: 'an absent one stays; revision: one more with each update',
      async run({ store, subscribe }) {
        const before = await subscribe({ name: 'first', metadata: { a: '1' } })
        const after = await store.updateSubscription(TENANT, SUBSCRIPTION, { url: 'https://new.test/' })
        assert.ok(after !== null && after !== 'conflict')
        assert.equal(after.revision, 2)
        assert.ok(after.updatedAt >= before.updatedAt)
        const { updatedAt } = after
        assert.deepEqual(after, { ...before, url: 'https://new.test/', revision: 2, updatedAt })
      },
    },
    {
      name: 'update and get answer null for what the tenant does not have',
      must: 'null when it does not exist; rows of another tenant do not exist',
      async run({ store, subscribe }) {
        await subscribe()
        assert.equal(await store.updateSubscription(TENANT, 'none', { name: 'x' }), null)
        assert.equal(await store.updateSubscription('other', SUBSCRIPTION, { name: 'x' }), null)
        assert.equal(await store.getSubscription('other', SUBSCRIPTION), null)
        assert.equal((await store.getSubscription(TENANT, SUBSCRIPTION))?.name, null)
      },
    },
    {
      name: 'update answers conflict when its guard does not hold',
      must: "'conflict' when the guard did not hold",
      async run({ store, subscribe }) {
        await subscribe()
        const patch = { name: 'x' }
        assert.equal(await store.updateSubscription(TENANT, SUBSCRIPTION, patch, { revision: 7 }), 'conflict')
        const states = ['paused', 'disabled'] as const
        for (const guard of [
          { states },
          { states: [] },
          { revision: 1, states },
          { revision: 2, states: [...states, 'active' as const] },
        ])
          assert.equal(await store.updateSubscription(TENANT, SUBSCRIPTION, patch, guard), 'conflict')
        const row = await store.getSubscription(TENANT, SUBSCRIPTION)
        assert.equal(row?.name, null)
        assert.equal(row?.revision, 1)
        const guard = { revision: 1, states: [...states, 'active' as const] }
        const changed = await store.updateSubscription(TENANT, SUBSCRIPTION, patch, guard)
        assert.ok(changed !== null && changed !== 'conflict', 'one of the states is enough')
      },
    },
    {
      name: 'of concurrent updates with one revision, one wins',
      must: 'atomic: changes the row if it matches guard',
      async run({ store, subscribe }) {
        await subscribe()
        const results = await Promise.all(
          ['a', 'b', 'c', 'd'].map((name) =>
            store.updateSubscription(TENANT, SUBSCRIPTION, { name }, { revision: 1 }),
          ),
        )
        assert.equal(results.filter((result) => result !== 'conflict').length, 1)
      },
    },
    {
      name: 'disabling stamps disabledAt, and another state clears it',
      must: "setting state: 'disabled' stamps disabledAt (another state clears it)",
      async run({ store, subscribe }) {
        await subscribe()
        const off = await store.updateSubscription(TENANT, SUBSCRIPTION, {
          state: 'disabled',
          disabledReason: 'user',
        })
        assert.ok(off !== null && off !== 'conflict')
        assert.equal(typeof off.disabledAt, 'number')
        const on = await store.updateSubscription(TENANT, SUBSCRIPTION, { state: 'active' })
        assert.ok(on !== null && on !== 'conflict')
        assert.equal(on.disabledAt, null)
      },
    },
    {
      name: 'every change of a subscription bumps the version of its tenant',
      must: 'bumps the version unless only condition changed',
      async run({ store, subscribe, version }) {
        const versions = [await version()]
        await subscribe()
        versions.push(await version())
        await store.updateSubscription(TENANT, SUBSCRIPTION, { name: 'x' })
        versions.push(await version())
        await store.updateSubscription(TENANT, SUBSCRIPTION, { condition: { streak: 1 } })
        assert.equal(await version(), versions.at(-1), 'a condition alone does not bump it')
        await store.updateSubscription(TENANT, SUBSCRIPTION, { condition: {}, state: 'active' })
        versions.push(await version())
        const other = await version('other')
        await store.deleteSubscription(TENANT, SUBSCRIPTION)
        versions.push(await version())
        for (let i = 1; i < versions.length; i++) {
          assert.ok(Number(versions[i]) > Number(versions[i - 1]), `the version grew at change ${i}`)
        }
        assert.equal(await version('other'), other, 'versions are per tenant')
      },
    },
    {
      name: 'rotate puts the new secret first and lets the older ones expire',
      must: 'the older ones expire overlapMs from now, or earlier if they already would',
      needs: ['clock'],
      async run({ store, subscribe, advance }) {
        await subscribe()
        const rotate = (value: string, overlapMs: number) =>
          store.updateSubscription(TENANT, SUBSCRIPTION, { rotate: { value, overlapMs, keep: 5 } })
        await advance(1000)
        const now = await store.now()
        await rotate('second', 5000)
        await advance(1000)
        const row = await rotate('third', 60_000)
        assert.ok(row !== null && row !== 'conflict')
        assert.deepEqual(
          row.secrets.map((secret) => secret.value),
          ['third', 'second', 'whsec_first'],
        )
        const [newest, middle, oldest] = row.secrets
        assert.equal(newest?.expiresAt, null)
        assert.ok(Math.abs(Number(middle?.expiresAt) - (now + 61_000)) < 10)
        assert.ok(Math.abs(Number(oldest?.expiresAt) - (now + 5000)) < 10, 'the earlier expiry stays')
      },
    },
    {
      name: 'rotate keeps no more secrets than it is told, the newest ones',
      must: 'at most `keep` stay, this one included',
      async run({ store, subscribe }) {
        await subscribe()
        const rotate = (value: string) =>
          store.updateSubscription(TENANT, SUBSCRIPTION, { rotate: { value, overlapMs: 60_000, keep: 2 } })
        await rotate('second')
        const row = await rotate('third')
        assert.ok(row !== null && row !== 'conflict')
        assert.deepEqual(
          row.secrets.map((secret) => secret.value),
          ['third', 'second'],
        )
      },
    },
    {
      name: 'delete answers what it was, and null the second time',
      must: 'removes it; returns what it was, or null',
      async run({ store, subscribe }) {
        const row = await subscribe()
        assert.equal(await store.deleteSubscription('other', SUBSCRIPTION), null)
        assert.deepEqual(await store.deleteSubscription(TENANT, SUBSCRIPTION), {
          subscription: row,
          cancelled: [],
        })
        assert.equal(await store.deleteSubscription(TENANT, SUBSCRIPTION), null)
        assert.equal(await store.getSubscription(TENANT, SUBSCRIPTION), null)
      },
    },
    {
      name: 'a snapshot is in byte order, within its range, and says when there is more',
      must: 'after < id ≤ upTo, in byte order of their ids, every state',
      async run({ store, subscribe }) {
        for (const id of ['b', 'B', 'a', '\u{1F4EF}', 'é', 'z', '\u{FF5E}', 'a-1'])
          await subscribe({ id, state: 'paused' })
        await subscribe({ id: 'a', tenantId: 'other' })
        const nobody = await store.snapshot('none', { after: null, upTo: null, limit: 10 })
        assert.deepEqual(nobody, { version: 0, subscriptions: [], more: false })
        const all = await store.snapshot(TENANT, { after: null, upTo: null, limit: 10 })
        const ids = all.subscriptions.map((row) => row.id)
        assert.deepEqual(ids, ['B', 'a', 'a-1', 'b', 'z', 'é', '\u{FF5E}', '\u{1F4EF}'])
        assert.equal(all.more, false)
        const part = await store.snapshot(TENANT, { after: 'a', upTo: 'z', limit: 2 })
        assert.deepEqual(
          part.subscriptions.map((row) => row.id),
          ['a-1', 'b'],
        )
        assert.equal(part.more, true)
        const end = await store.snapshot(TENANT, { after: 'b', upTo: 'z', limit: 2 })
        assert.deepEqual(
          end.subscriptions.map((row) => row.id),
          ['z'],
        )
        assert.equal(end.more, false)
        assert.equal((await store.snapshot(TENANT, { after: null, upTo: 'a', limit: 2 })).more, false)
      },
    },
  ],
}
