/** Which transactions compile with each ORM. */
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import type { Knex } from 'knex'
import type { ControlledTransaction, Kysely, Transaction } from 'kysely'
import type pg from 'pg'
import type postgres from 'postgres'
import { describe, it } from 'vitest'
import type { Prisma, PrismaClient } from '../../../examples/prisma/generated/client.ts'
import { type DrizzleTransaction, drizzleDatabase } from '../../../src/stores/sql/orm/drizzle.ts'
import { knexDatabase } from '../../../src/stores/sql/orm/knex.ts'
import { kyselyDatabase } from '../../../src/stores/sql/orm/kysely.ts'
import { prismaDatabase } from '../../../src/stores/sql/orm/prisma.ts'

type Schema = { orders: { id: string } }
declare const onPg: NodePgDatabase<Record<string, never>> & { $client: pg.Pool }
declare const onPostgresJs: PostgresJsDatabase<Record<string, never>> & { $client: postgres.Sql }
declare const pgTx: DrizzleTransaction<typeof onPg>
declare const postgresJsTx: DrizzleTransaction<typeof onPostgresJs>
declare const kysely: Kysely<Schema>
declare const kyselyTx: Transaction<Schema>
declare const kyselyControlled: ControlledTransaction<Schema>
declare const knex: Knex
declare const knexTx: Knex.Transaction
declare const pool: pg.Pool
declare const client: pg.PoolClient

declare const prisma: PrismaClient
declare const prismaTx: Prisma.TransactionClient

describe('the tx of an ORM', () => {
  it('is the tx of db.transaction with Drizzle, of the same driver', () => {
    const { join } = drizzleDatabase(onPg)
    join(pgTx)
    drizzleDatabase(onPostgresJs).join(postgresJsTx)
    onPg.transaction(async (tx) => tx.transaction(async (nested) => join(nested)))
    // @ts-expect-error the database is no transaction
    join(onPg)
    // @ts-expect-error another driver's
    join(postgresJsTx)
    // @ts-expect-error another ORM's
    join(kyselyTx)
    // @ts-expect-error the driver's own
    join(client)
    // @ts-expect-error another ORM's
    join(prismaTx)
  })

  it('is a Transaction with Kysely', () => {
    const { join } = kyselyDatabase(kysely)
    join(kyselyTx)
    join(kyselyControlled)
    // @ts-expect-error the database is no transaction
    join(kysely)
    // @ts-expect-error another ORM's
    join(pgTx)
    // @ts-expect-error another ORM's
    join(knexTx)
  })

  it('is a Transaction with Knex', () => {
    const { join } = knexDatabase(knex)
    join(knexTx)
    // @ts-expect-error the database is no transaction
    join(knex)
    // @ts-expect-error another ORM's
    join(kyselyTx)
    // @ts-expect-error the driver's own
    join(client)
  })

  it('is the tx of $transaction with Prisma', () => {
    const { join } = prismaDatabase(prisma)
    join(prismaTx)
    prisma.$transaction(async (tx) => tx.$transaction(async (nested) => join(nested)))
    const extended = prisma.$extends({ name: 'extended' })
    prismaDatabase(extended)
    extended.$transaction(async (tx) => join(tx))
    // @ts-expect-error the client is no transaction
    join(prisma)
    // @ts-expect-error nor is an extended one
    join(extended)
    // @ts-expect-error a list of promises hands out none
    prisma.$transaction([join(prismaTx)])
    // @ts-expect-error another ORM's
    join(pgTx)
  })

  it('comes from a handle of that ORM', () => {
    // @ts-expect-error a driver's pool
    drizzleDatabase(pool)
    // @ts-expect-error another ORM's
    kyselyDatabase(knex)
    // @ts-expect-error another ORM's
    knexDatabase(kysely)
    // @ts-expect-error another ORM's
    prismaDatabase(onPg)
  })
})
