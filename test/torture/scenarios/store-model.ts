/** Test 78: random operations from a seed on each store and on the memory store beside it; both must answer alike. */
import mysql from 'mysql2/promise'
import pg from 'pg'
import type { StorePlace } from '../../../src/cli/open-store.ts'
import { mysqlStore } from '../../../src/stores/mysql.ts'
import { sqliteStore } from '../../../src/stores/sqlite.ts'
import { createLab } from '../../../src/testing/store-conformance/lab.ts'
import { compareWithModel } from '../../../src/testing/store-conformance/random-model.ts'
import { emptyStores, type SqlUnderTest } from '../../stores/sql/make-store.ts'
import { onPool } from '../../stores/sql/on-pool.ts'
import { sqliteDrivers } from '../../support/databases/sqlite.ts'
import type { Bench, Findings, Kind, Scenario } from '../scenario.ts'
import { bySeed } from './by-seed.ts'
import { noServer } from './under-harm.ts'

/** Sequences of one part. */
const PART = 100

export const storeModel: Scenario = {
  number: 78,
  name: 'stores against the model',
  kinds: ['postgres', 'mysql', 'sqlite'],
  longMinutes: 60,
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const sql = open[kind](bench, place)
    const makeStore = emptyStores(() => sql)
    const { count, steps } = bench.full ? { count: 2_000, steps: 200 } : { count: 10, steps: 200 }

    async function sequences(first: number, last: number): Promise<Findings> {
      const problems: string[] = []
      for (let seed = first; seed <= last; seed++) {
        const underTest = await makeStore()
        await compareWithModel(createLab(underTest), seed, steps).catch((error: Error) => {
          problems.push(`npm run torture -- --only 78 --on ${kind} --seed ${seed}: ${error.message}`)
        })
      }
      return { problems, figures: { runs: last - first + 1, steps } }
    }

    return bySeed(bench, count, PART, sequences)
  },
}

const open: Readonly<Record<Kind, (bench: Bench, place: StorePlace) => SqlUnderTest>> = {
  postgres(bench, { url }) {
    const client = new pg.Pool({ connectionString: url, max: 8 })
    bench.after(() => client.end())
    return onPool(client)
  },
  mysql(bench, { url }) {
    const client = mysql.createPool({ uri: url, connectionLimit: 8 })
    bench.after(() => client.end())
    return {
      store: (clock) => mysqlStore({ client, clock }) as never,
      run: (sql) => client.query(sql),
      table: (name) => `posthorn_${name}`,
    }
  },
  sqlite(bench, { url }) {
    const client = sqliteDrivers['node:sqlite'](url.replace(/^sqlite:/, ''))
    bench.after(() => client.close())
    return {
      store: (clock) => sqliteStore({ client, clock }) as never,
      run: async (sql) => client.exec(sql),
      table: (name) => `posthorn_${name}`,
    }
  },
}
