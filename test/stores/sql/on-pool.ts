/** The Postgres store over a `pg` Pool, as the conformance kit asks for a store. */
import type pg from 'pg'
import { postgresStore } from '../../../src/stores/postgres.ts'
import type { SqlUnderTest } from './make-store.ts'

/** `listen`: with wake-up hints, which a pooler in transaction mode would drop. */
export const onPool = (client: pg.Pool, { listen = false } = {}): SqlUnderTest => ({
  store: (clock) => postgresStore({ client, clock, listen }) as never,
  run: (sql) => client.query(sql),
  table: (name) => `posthorn.${name}`,
  transaction: async () => {
    const tx = await client.connect()
    await tx.query('begin')
    const end = (how: string) => async () => {
      await tx.query(how)
      tx.release()
    }
    return { tx, commit: end('commit'), rollback: end('rollback') }
  },
})
