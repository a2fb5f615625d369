/** The store for applications on Kysely: `tx` is the `trx` of `db.transaction().execute(async (trx) => …)`. */
import { refuseUnknownOptions } from '../input/known-keys.ts'
import { type KyselyDatabase, type KyselyTransaction, kyselyDatabase } from './sql/orm/kysely.ts'
import { ORM_OPTIONS, type OrmStoreOptions, ormStore } from './sql/orm/orm-store.ts'
import type { SqlStore } from './sql/sql-store.ts'

export type { KyselyDatabase, KyselyTransaction } from './sql/orm/kysely.ts'
export type { OrmStoreOptions } from './sql/orm/orm-store.ts'
export type { SqlStore } from './sql/sql-store.ts'

/**
 * A store over a Kysely instance, with any dialect of Postgres, MySQL or SQLite. All its statements run through that instance,
 * which stays yours.
 *
 * @throws PosthornError `INVALID_OPTION`, `CONTRADICTORY_OPTIONS`
 * @example
 * const webhooks = createWebhooks({ store: kyselyStore(db) })
 * await db.transaction().execute(async (trx) => {
 *   await trx.insertInto('orders').values(order).execute()
 *   await webhooks.publish('order.paid', { orderId: order.id }, { tenantId, tx: trx })
 * })
 */
export function kyselyStore(db: KyselyDatabase, options: OrmStoreOptions = {}): SqlStore<KyselyTransaction> {
  refuseUnknownOptions('kyselyStore(db, { … })', options, ORM_OPTIONS)
  const { clock: _, ...settings } = options
  return ormStore(kyselyDatabase(db, settings), options)
}
