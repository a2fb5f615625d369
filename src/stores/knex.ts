/** The store for applications on Knex: `tx` is the `trx` of `knex.transaction(async (trx) => …)`. */
import { refuseUnknownOptions } from '../input/known-keys.ts'
import { type KnexDatabase, type KnexTransaction, knexDatabase } from './sql/orm/knex.ts'
import { ORM_OPTIONS, type OrmStoreOptions, ormStore } from './sql/orm/orm-store.ts'
import type { SqlStore } from './sql/sql-store.ts'

export type { KnexDatabase, KnexTransaction } from './sql/orm/knex.ts'
export type { OrmStoreOptions } from './sql/orm/orm-store.ts'
export type { SqlStore } from './sql/sql-store.ts'

/**
 * A store over a Knex instance on pg, mysql2 or better-sqlite3. It borrows connections of Knex's pool, which stays yours.
 *
 * @throws PosthornError `INVALID_OPTION`, `CONTRADICTORY_OPTIONS`
 * @example
 * const webhooks = createWebhooks({ store: knexStore(knex) })
 * await knex.transaction(async (trx) => {
 *   await trx('orders').insert(order)
 *   await webhooks.publish('order.paid', { orderId: order.id }, { tenantId, tx: trx })
 * })
 */
export function knexStore(knex: KnexDatabase, options: OrmStoreOptions = {}): SqlStore<KnexTransaction> {
  refuseUnknownOptions('knexStore(knex, { … })', options, ORM_OPTIONS)
  const { clock: _, ...settings } = options
  return ormStore(knexDatabase(knex, settings), options)
}
