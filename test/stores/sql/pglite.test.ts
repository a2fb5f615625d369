/** The Postgres store passes the conformance kit on PGlite: one session, so that it shows nothing about two at a time. */
import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, describe } from 'vitest'
import { postgresStore } from '../../../src/stores/postgres.ts'
import { heldTransaction } from '../../../src/testing/index.ts'
import { runKit } from '../run-kit.ts'
import { emptyStores } from './make-store.ts'

let client: PGlite

beforeAll(async () => {
  client = await PGlite.create()
}, 60_000)

afterAll(() => client.close())

const oneSession = 'PGlite has one session: the store waits while the transaction of the test is open'

const makeStore = emptyStores(() => ({
  store: (clock) => postgresStore({ client, clock }) as never,
  run: (sql) => client.exec(sql),
  table: (name) => `posthorn.${name}`,
  transaction: () => heldTransaction<unknown>((work) => client.transaction(async (tx) => work(tx))),
}))

describe('postgresStore on PGlite', () => {
  runKit(makeStore, 'sample', {
    'an event of an old transaction carries the time of its statement': oneSession,
  })
})
