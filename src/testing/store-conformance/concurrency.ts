/** Cases: many callers at once. */
import assert from 'node:assert/strict'
import type { CaseGroup } from './case.ts'
import { dueNow, succeeded, TENANT } from './lab.ts'

/** See the file's header. */
export const concurrencyCases: CaseGroup = {
  group: 'concurrency',
  cases: [
    {
      name: 'concurrent claimers get disjoint rows, and all of them',
      must: 'a row is never given to two callers at a time',
      async run({ store, event, claim }) {
        const tenants = ['a', 'b', 'c']
        const events = tenants.flatMap((tenantId) => Array.from({ length: 20 }, () => event({ tenantId })))
        await store.append(events)
        const seen: string[] = []
        for (let turn = 0; turn < 20 && seen.length < 60; turn++) {
          const claims = await Promise.all(Array.from({ length: 8 }, () => claim({ limit: 5 })))
          seen.push(...claims.flatMap(({ work }) => work.map((row) => row.claim.row)))
        }
        assert.equal(seen.length, 60)
        assert.equal(new Set(seen).size, 60, 'no row was given twice')
      },
    },
    {
      name: 'concurrent publishers and claimers lose nothing',
      must: 'concurrent calls behave as if one came after the other',
      async run({ publish, claim }) {
        const seen = new Set<string>()
        const take = async () => {
          const claimed = await claim({ limit: 10 })
          for (const row of claimed.work) {
            assert.ok(row.kind === 'event' && !seen.has(row.event.id), 'no event is claimed twice')
            seen.add(row.event.id)
          }
        }
        const published = await Promise.all(
          Array.from({ length: 40 }, async () => {
            const { id } = await publish()
            await take()
            return id
          }),
        )
        for (let turn = 0; turn < 20 && seen.size < 40; turn++) await take()
        assert.deepEqual([...seen].sort(), published.sort())
      },
    },
    {
      name: 'a listener hears of an event that another caller published, until it stops',
      must: 'onWake calls its listener when work may have become due',
      async run({ store, publish }) {
        if (store.onWake === undefined) return
        let heard = 0
        let tell = (): void => {}
        const stop = store.onWake(() => {
          heard += 1
          tell()
        })
        const woken = new Promise<void>((resolve) => {
          tell = resolve
        })
        const listen = () =>
          new Promise<void>((resolve) => {
            const stopOther = store.onWake?.(() => {
              stopOther?.()
              resolve()
            })
          })
        const other = listen()
        await publish()
        await Promise.all([woken, other])
        stop()
        const before = heard
        const third = listen()
        stop()
        await publish()
        await third
        assert.equal(heard, before, 'a stopped listener hears nothing, another one does')
      },
    },
    {
      name: 'sequences of concurrent publishers are unique',
      must: 'a number which the store gives',
      async run({ publish }) {
        const rows = await Promise.all(Array.from({ length: 30 }, () => publish()))
        assert.equal(new Set(rows.map((row) => row.sequence)).size, 30)
      },
    },
    {
      name: 'concurrent outcomes of one delivery get consecutive attempt numbers',
      must: '1..n within the delivery, without gap or repeat, given under the lock',
      async run({ subscribe, deliver, claimDelivery, record, attemptsOf, delivery }) {
        await subscribe()
        const { id } = await deliver()
        const work = await claimDelivery(id)
        const late = Array.from({ length: 6 }, () => record(work, dueNow, { token: 'forged' }))
        await Promise.all([...late, record(work, dueNow)])
        assert.deepEqual(
          (await attemptsOf(id)).map((attempt) => attempt.number),
          [1, 2, 3, 4, 5, 6, 7, 8],
        )
        assert.equal((await delivery(id)).attemptCount, 8)
      },
    },
    {
      name: 'delivery numbers are positive, unique and growing',
      must: 'a positive integer, unique in the store, growing',
      async run({ subscribe, deliver }) {
        await subscribe()
        await subscribe({ tenantId: 'other' })
        const numbers: number[] = []
        for (const tenantId of [TENANT, 'other', TENANT]) {
          numbers.push((await deliver({ event: { tenantId }, next: succeeded })).number)
        }
        assert.ok(numbers.every((number) => Number.isInteger(number) && number > 0))
        assert.deepEqual(
          [...new Set(numbers)].sort((a, b) => a - b),
          numbers,
        )
      },
    },
    {
      name: 'of cancel and a success at the same time, one decides',
      must: 'an ended delivery never changes',
      async run({ store, subscribe, deliver, claimDelivery, record, delivery, claim }) {
        await subscribe()
        const { id } = await deliver()
        const work = await claimDelivery(id)
        const [cancelled, recorded] = await Promise.all([
          store.cancel({ tenantId: TENANT, deliveryId: id }, 1),
          record(work, succeeded),
        ])
        const { state } = await delivery(id)
        assert.equal(state, cancelled.length === 1 ? 'cancelled' : 'succeeded')
        assert.equal(recorded.result === 'recorded', state === 'succeeded')
        assert.equal((await claim()).nextDueAt, null)
      },
    },
  ],
}
