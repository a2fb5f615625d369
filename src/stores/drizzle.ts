/** The store for applications on Drizzle: `tx` is the `tx` of `db.transaction((tx) => …)`. */
import { refuseUnknownOptions } from '../input/known-keys.ts'
import { type DrizzleDatabase, type DrizzleTransaction, drizzleDatabase } from './sql/orm/drizzle.ts'
import { ORM_OPTIONS, type OrmStoreOptions, ormStore } from './sql/orm/orm-store.ts'
import type { SqlStore } from './sql/sql-store.ts'

export type { DrizzleDatabase, DrizzleTransaction } from './sql/orm/drizzle.ts'
export type { OrmStoreOptions } from './sql/orm/orm-store.ts'
export type { SqlStore } from './sql/sql-store.ts'

/**
 * A store over `drizzle(…)` on pg, postgres.js, PGlite, mysql2 or a synchronous SQLite driver. It works on the client that Drizzle
 * was given, which stays yours.
 *
 * @throws PosthornError `INVALID_OPTION`, `CONTRADICTORY_OPTIONS`
 * @example
 * const webhooks = createWebhooks({ store: drizzleStore(db) })
 * await db.transaction(async (tx) => {
 *   await tx.insert(orders).values(order)
 *   await webhooks.publish('order.paid', { orderId: order.id }, { tenantId, tx })
 * })
 */
export function drizzleStore<Db extends DrizzleDatabase>(
  db: Db,
  options: OrmStoreOptions = {},
): SqlStore<DrizzleTransaction<Db>> {
  refuseUnknownOptions('drizzleStore(db, { … })', options, ORM_OPTIONS)
  const { clock: _, ...settings } = options
  return ormStore(drizzleDatabase(db, settings), options)
}
