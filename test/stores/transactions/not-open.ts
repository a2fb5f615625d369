/**
 * What looks like the caller's transaction, and is none: nothing was begun, or it has ended. Statements on it would be committed by
 * themselves, whatever becomes of the caller's own; so they are refused, and nothing is stored.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createWebhooks, type Webhooks } from '../../../src/index.ts'
import type { SqlStore } from '../../../src/stores/sql/sql-store.ts'
import { quietLogger } from '../../support/setup.ts'

/** A destination, for a publish that writes more rows than others. */
export const to = {
  url: 'https://receiver.example/',
  secret: 'whsec_b2J2aW91c2x5LWZha2Utc2VjcmV0LW9mLWV4YW1wbGVz',
}

/** A `tx` that is none, ready to be used; `end` gives back what it took. */
export interface NoTransaction<Tx> {
  readonly tx: Tx
  end?(): unknown
}

/** Publishes in every way on each of them. */
export function refusesWhatIsNotOpen<Tx>(
  name: string,
  store: () => SqlStore<Tx>,
  cases: Readonly<Record<string, () => Promise<NoTransaction<Tx>>>>,
): void {
  describe(name, () => {
    let webhooks: Webhooks<null, Tx>
    let tenants = 0
    beforeAll(async () => {
      webhooks = createWebhooks({ store: store(), logger: quietLogger })
      await webhooks.migrate()
    })
    afterAll(() => webhooks.stop())

    it.each(Object.entries(cases))('refuses %s and stores nothing', async (_name, make) => {
      const { tx, end } = await make()
      tenants += 1
      const tenant = { tenantId: `tenant-${tenants}` }
      const publish = (options: object) => webhooks.publish('order.paid', {}, { ...tenant, tx, ...options })
      const ways = [
        () => publish({}),
        () => publish({ id: 'own' }),
        () => publish({ idempotencyKey: 'key' }),
        () => publish({ to }),
        () => webhooks.publishMany([{ ...tenant, type: 'order.paid', data: {} }], { tx }),
      ]
      try {
        for (const way of ways) {
          await expect(way()).rejects.toMatchObject({
            code: 'INVALID_INPUT',
            path: 'tx',
            message: expect.stringContaining('no transaction is open on it'),
          })
        }
      } finally {
        await end?.()
      }
      expect((await webhooks.events.list(tenant)).items).toEqual([])
      // Nor does a key or an id that was refused get in the way of the real one.
      expect(await webhooks.publish('order.paid', {}, { ...tenant, id: 'own' })).toMatchObject({
        duplicate: false,
      })
    })
  })
}
