/** A `tx` on which no transaction is open, with every client and ORM of Postgres; and open ones that are hard to see. */
import { PGlite, type Transaction as PGliteTransaction } from '@electric-sql/pglite'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { drizzle as drizzlePostgresJs } from 'drizzle-orm/postgres-js'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import postgres from 'postgres'
import { afterAll, describe, expect, it } from 'vitest'

import { createWebhooks } from '../../../src/index.ts'
import { drizzleStore } from '../../../src/stores/drizzle.ts'
import { kyselyStore } from '../../../src/stores/kysely.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import type { SqlStore } from '../../../src/stores/sql/sql-store.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { refusesWhatIsNotOpen, to } from './not-open.ts'

const acme = { tenantId: 'acme' }
describe('on Postgres', async () => {
  const { url, drop } = await createPostgresDatabase()
  const pool = new pg.Pool({ connectionString: url, max: 4 })
  const sql = postgres(url, { max: 4, onnotice: () => {} })
  const pglite = await PGlite.create()
  const kyselyPool = new pg.Pool({ connectionString: url, max: 2 })
  const kysely = new Kysely<Record<string, never>>({ dialect: new PostgresDialect({ pool: kyselyPool }) })
  const onPg = drizzlePg(pool)
  const onPostgresJs = drizzlePostgresJs(sql)
  const onPglite = drizzlePglite(pglite)
  afterAll(async () => {
    await Promise.all([pool.end(), sql.end(), kysely.destroy(), pglite.close()])
    await drop()
  })

  let schemas = 0
  const schema = () => {
    schemas += 1
    return `posthorn_${schemas}`
  }

  const ended = async <Tx>(transaction: (work: (tx: Tx) => Promise<unknown>) => Promise<unknown>) => {
    let tx: Tx | undefined
    await transaction(async (open) => {
      tx = open
    })
    return { tx: tx as Tx }
  }
  const client = async (...statements: string[]) => {
    const tx = await pool.connect()
    for (const statement of statements) await tx.query(statement).catch(() => {})
    return tx
  }
  /** As `pg` was before it told its status. */
  const older = (tx: pg.PoolClient): pg.PoolClient =>
    new Proxy(tx, {
      get: (target, name) =>
        name === 'getTransactionStatus' ? undefined : Reflect.get(target, name, target),
    })

  for (const [name, as] of [
    ['pg', (tx: pg.PoolClient) => tx],
    ['pg before 8.21', older],
  ] as const) {
    const made = async (...statements: string[]) => {
      const tx = await client(...statements)
      return { tx: as(tx), end: () => tx.release() }
    }
    refusesWhatIsNotOpen<pg.PoolClient>(name, () => postgresStore({ client: pool, schema: schema() }), {
      'a client without BEGIN': () => made(),
      'a client after COMMIT': () => made('begin', 'commit'),
      'a client after ROLLBACK': () => made('begin', 'rollback'),
      'a client after the COMMIT of a transaction that had failed': () =>
        made('begin', 'select 1/0', 'commit'),
      'a client that was released': async () => {
        const tx = await client('begin', 'commit')
        tx.release()
        return { tx: as(tx) }
      },
      'a client that is busy with something else': async () => {
        const tx = await client()
        const other = tx.query('select pg_sleep(0.01)')
        return {
          tx: as(tx),
          end: async () => {
            await other
            tx.release()
          },
        }
      },
    })
  }

  refusesWhatIsNotOpen<postgres.TransactionSql | postgres.ReservedSql>(
    'postgres.js',
    () => postgresStore({ client: sql, schema: schema() }) as never,
    {
      'a reserved connection without BEGIN': async () => {
        const tx = await sql.reserve()
        return { tx, end: () => tx.release() }
      },
      'a reserved connection after ROLLBACK': async () => {
        const tx = await sql.reserve()
        await tx`begin`
        await tx`rollback`
        return { tx, end: () => tx.release() }
      },
      'the sql of a `begin` that has ended': async () => {
        const { tx } = await ended<postgres.TransactionSql>((work) => sql.begin(work))
        return { tx }
      },
    },
  )

  const OVER = 'the tx of a transaction that has ended'
  refusesWhatIsNotOpen<PGliteTransaction>(
    'PGlite',
    () => postgresStore({ client: pglite, schema: schema() }),
    {
      [OVER]: () => ended((work) => pglite.transaction(work)),
    },
  )
  refusesWhatIsNotOpen('Drizzle over pg', () => drizzleStore(onPg, { schema: schema() }), {
    [OVER]: () => ended((work) => onPg.transaction(work)),
  })
  refusesWhatIsNotOpen('Drizzle over postgres.js', () => drizzleStore(onPostgresJs, { schema: schema() }), {
    [OVER]: () => ended((work) => onPostgresJs.transaction(work)),
  })
  refusesWhatIsNotOpen('Drizzle over PGlite', () => drizzleStore(onPglite, { schema: schema() }), {
    [OVER]: () => ended((work) => onPglite.transaction(work)),
  })
  refusesWhatIsNotOpen('Kysely', () => kyselyStore(kysely, { schema: schema() }) as SqlStore<unknown>, {
    [OVER]: () => ended((work) => kysely.transaction().execute(work)),
    'a controlled transaction after its rollback': async () => {
      const tx = await kysely.startTransaction().execute()
      await tx.rollback().execute()
      return { tx }
    },
  })

  describe('what is open, and hard to see', () => {
    it('a BEGIN that nobody has awaited', async () => {
      const webhooks = createWebhooks({ store: postgresStore({ client: pool, schema: schema() }) })
      await webhooks.migrate()
      for (const end of ['rollback', 'commit']) {
        const tx = await pool.connect()
        const steps = [
          tx.query('begin'),
          webhooks.publish('order.paid', {}, { ...acme, tx }),
          webhooks.publish('order.paid', {}, { ...acme, tx, idempotencyKey: end, to }),
          tx.query(end),
        ]
        await Promise.all(steps)
        tx.release()
        expect((await webhooks.events.list(acme)).items).toHaveLength(end === 'commit' ? 2 : 0)
      }
      await webhooks.stop()
    })

    it('a transaction of an older pg, and a savepoint in it', async () => {
      const webhooks = createWebhooks({ store: postgresStore({ client: pool, schema: schema() }) })
      await webhooks.migrate()
      const tx = await client('begin')
      await webhooks.publish('order.kept', {}, { ...acme, tx: older(tx) })
      await tx.query('savepoint inner_one')
      await webhooks.publish('order.lost', {}, { ...acme, tx: older(tx) })
      await tx.query('rollback to savepoint inner_one')
      await webhooks.publish('order.kept', {}, { ...acme, tx: older(tx), to })
      await tx.query('commit')
      tx.release()
      const { items } = await webhooks.events.list(acme)
      expect(items.map(({ type }) => type)).toEqual(['order.kept', 'order.kept'])
      await webhooks.stop()
    })

    it('a transaction that has failed tells its own error, and not ours', async () => {
      const webhooks = createWebhooks({ store: postgresStore({ client: pool, schema: schema() }) })
      await webhooks.migrate()
      for (const as of [older, (tx: pg.PoolClient) => tx]) {
        const tx = await client('begin', 'select 1/0')
        const published = webhooks.publish('order.paid', {}, { ...acme, tx: as(tx) })
        await expect(published).rejects.toMatchObject({ code: '25P02' })
        await tx.query('rollback')
        tx.release()
      }
      await webhooks.stop()
    })

    it('costs no statement where pg knows', async () => {
      const webhooks = createWebhooks({ store: postgresStore({ client: pool, schema: schema() }) })
      await webhooks.migrate()
      const tx = await client('begin')
      const statements: unknown[] = []
      const watched = new Proxy(tx, {
        get: (target, name) =>
          name !== 'query'
            ? Reflect.get(target, name, target)
            : (statement: pg.QueryConfig) => {
                statements.push(statement)
                return target.query(statement)
              },
      })
      await webhooks.publish('order.paid', {}, { ...acme, tx: watched })
      await tx.query('rollback')
      tx.release()
      expect(statements).toHaveLength(1)
      await webhooks.stop()
    })
  })
})
