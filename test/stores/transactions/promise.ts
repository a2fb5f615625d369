/**
 * Promise 1, end to end, whatever the client: if the caller's transaction commits, the webhook is sent; if it rolls back, it never
 * was. One call per client; the engine and its worker are the real ones, only the transport remembers instead of sending.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createWebhooks, type Webhooks } from '../../../src/index.ts'
import type { SqlStore } from '../../../src/stores/sql/sql-store.ts'
import { type FakeTransport, fakeTransport } from '../../../src/testing/fake-transport.ts'
import { quietLogger } from '../../support/setup.ts'

/** One client under test. */
export interface ClientUnderTest<Tx> {
  readonly name: string
  readonly store: () => SqlStore<Tx>
  /** Runs `work` in a transaction of the caller's: commits, or rolls back and rethrows. */
  readonly transaction: (work: (tx: Tx) => Promise<void>) => Promise<void>
  /** Inserts a row of the caller's own into `accounts (id)`. */
  readonly insert: (tx: Tx, id: string) => Promise<unknown>
  /** How many rows of the caller's have this id. */
  readonly count: (id: string) => Promise<number>
  /** Rolls a savepoint back around `work` and lets the transaction go on, where the client has savepoints. */
  readonly savepoint?: (tx: Tx, work: (tx: Tx) => Promise<void>) => Promise<void>
}

class Undone extends Error {}

export function transactionPromise<Tx>(client: ClientUnderTest<Tx>): void {
  describe(client.name, () => {
    let webhooks: Webhooks<null, Tx>
    let transport: FakeTransport
    let tenants = 0

    beforeAll(async () => {
      transport = fakeTransport()
      const store = client.store()
      await store.migrate()
      webhooks = createWebhooks({ store, transport, logger: quietLogger })
    })
    afterAll(async () => {
      await webhooks?.stop()
    })

    /** A tenant of the case's own, with one subscription. */
    async function tenant() {
      tenants += 1
      const tenantId = `tenant-${tenants}`
      await webhooks.subscriptions.create({ tenantId, url: `https://${tenantId}.example/hook` })
      const publish = (id: string, tx: Tx, extra: object = {}) =>
        webhooks.publish('order.paid', { id }, { tenantId, tx, ...extra })
      const events = async () => (await webhooks.events.list({ tenantId })).items.length
      const sent = () => transport.requests.filter(({ url }) => url.includes(`${tenantId}.example`)).length
      return { tenantId, publish, events, sent }
    }

    it("is sent, with the caller's own write, when the transaction commits", async () => {
      const { publish, events, sent } = await tenant()
      await client.transaction(async (tx) => {
        await client.insert(tx, 'committed')
        await publish('committed', tx)
        await publish('committed too', tx, { idempotencyKey: 'key' })
        await publish('committed too', tx, { idempotencyKey: 'key' })
      })
      await webhooks.drain()
      expect([await client.count('committed'), await events(), sent()]).toEqual([1, 2, 2])
    })

    it("never was, like the caller's own write, when the transaction rolls back", async () => {
      const { publish, events, sent } = await tenant()
      const failed = client.transaction(async (tx) => {
        await client.insert(tx, 'rolled back')
        await publish('rolled back', tx)
        await publish('keyed', tx, { idempotencyKey: 'key' })
        throw new Undone()
      })
      await expect(failed).rejects.toThrow(Undone)
      await webhooks.drain()
      expect([await client.count('rolled back'), await events(), sent()]).toEqual([0, 0, 0])
    })

    it('is seen by nobody before the commit', async () => {
      const { publish, sent } = await tenant()
      await client.transaction(async (tx) => {
        const { id } = await publish('open', tx)
        expect(id).toMatch(/^evt_/)
        expect(sent()).toBe(0)
      })
      await webhooks.drain()
      expect(sent()).toBe(1)
    })

    it('goes in numbers, all or none', async () => {
      const { tenantId, events } = await tenant()
      const many = Array.from({ length: 25 }, (_, index) => ({
        type: 'order.paid',
        data: { index },
        tenantId,
      }))
      await client.transaction(async (tx) => {
        await webhooks.publishMany(many, { tx })
      })
      await client
        .transaction(async (tx) => {
          await webhooks.publishMany(many, { tx })
          throw new Undone()
        })
        .catch(() => {})
      expect(await events()).toBe(25)
    })

    it('refuses bad input without harming the transaction', async () => {
      const { tenantId, publish, events } = await tenant()
      await client.transaction(async (tx) => {
        await client.insert(tx, 'kept')
        const refused = async () => webhooks.publish('order.paid', { big: 1n }, { tenantId, tx })
        await expect(refused()).rejects.toMatchObject({ code: 'PAYLOAD_NOT_SERIALISABLE' })
        await publish('kept', tx)
      })
      expect([await client.count('kept'), await events()]).toEqual([1, 1])
    })

    it('refuses as tx what is no open transaction', async () => {
      const { tenantId, events } = await tenant()
      for (const tx of [{}, 'tx', 1, () => {}]) {
        const refused = webhooks.publish('order.paid', {}, { tenantId, tx: tx as Tx })
        await expect(refused).rejects.toMatchObject({ code: 'INVALID_INPUT', path: 'tx' })
      }
      expect(await events()).toBe(0)
    })

    const { savepoint } = client
    if (savepoint !== undefined)
      it('vanishes with a savepoint, and what is around it stays', async () => {
        const { publish, events, sent } = await tenant()
        await client.transaction(async (tx) => {
          await publish('outer', tx)
          await savepoint?.(tx, async (nested) => {
            await publish('nested', nested)
          })
          await publish('after', tx)
        })
        await webhooks.drain()
        expect([await events(), sent()]).toEqual([2, 2])
      })
  })
}
