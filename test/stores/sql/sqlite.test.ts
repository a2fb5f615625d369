/** The SQLite store passes the conformance kit, on a file. */
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, beforeAll, describe } from 'vitest'
import { sqliteStore } from '../../../src/stores/sqlite.ts'
import { createSqliteFile } from '../../support/databases/sqlite.ts'
import { runKit } from '../run-kit.ts'
import { emptyStores } from './make-store.ts'

let file: Awaited<ReturnType<typeof createSqliteFile>>
let client: InstanceType<typeof DatabaseSync>

beforeAll(async () => {
  file = await createSqliteFile()
  client = new DatabaseSync(file.path)
})

afterAll(async () => {
  client.close()
  await file.remove()
})

const makeStore = emptyStores(() => ({
  store: (clock) => sqliteStore({ client, clock }) as never,
  run: async (sql) => client.exec(sql),
  table: (name) => `posthorn_${name}`,
  transaction: async () => {
    client.exec('begin immediate')
    return {
      tx: client,
      commit: async () => client.exec('commit'),
      rollback: async () => client.exec('rollback'),
    }
  },
}))

describe('sqliteStore', () => {
  runKit(makeStore)
})
