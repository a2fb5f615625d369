/** The store for applications on Prisma: `tx` is the `tx` of `prisma.$transaction(async (tx) => …)`. */
import { refuseUnknownOptions } from '../input/known-keys.ts'
import { ORM_OPTIONS, type OrmStoreOptions, ormStore } from './sql/orm/orm-store.ts'
import {
  type PrismaDatabase,
  type PrismaSettings,
  type PrismaTransaction,
  prismaDatabase,
} from './sql/orm/prisma.ts'
import type { SqlStore } from './sql/sql-store.ts'

export type { PrismaDatabase, PrismaTransaction } from './sql/orm/prisma.ts'
export type { SqlStore } from './sql/sql-store.ts'

/** Options of `prismaStore`. */
export interface PrismaStoreOptions extends OrmStoreOptions, Pick<PrismaSettings, 'provider' | 'client'> {}

const OPTIONS = { ...ORM_OPTIONS, provider: true, client: true } as const

/**
 * A store over a PrismaClient. Its own work runs through Prisma, or on the `client` that you give it beside (a `pg` Pool …),
 * which is faster.
 *
 * @throws PosthornError `INVALID_OPTION`, `CONTRADICTORY_OPTIONS`
 * @example
 * const webhooks = createWebhooks({ store: prismaStore(prisma) })
 * await prisma.$transaction(async (tx) => {
 *   await tx.order.create({ data: order })
 *   await webhooks.publish('order.paid', { orderId: order.id }, { tenantId, tx })
 * })
 */
export function prismaStore(
  prisma: PrismaDatabase,
  options: PrismaStoreOptions = {},
): SqlStore<PrismaTransaction> {
  refuseUnknownOptions('prismaStore(prisma, { … })', options, OPTIONS)
  const { clock: _, ...settings } = options
  return ormStore(prismaDatabase(prisma, settings), options)
}
