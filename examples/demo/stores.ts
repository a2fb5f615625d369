/** The stores that the demo runs on: each is opened empty, and what it leaves behind is removed. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { postgresStore } from '../../src/stores/postgres.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'

/** The names of the stores, the default first. */
export const STORES = ['sqlite', 'postgres', 'memory'] as const
export type StoreName = (typeof STORES)[number]

/** A place for a store's data that is there before the demo and gone after it. */
export interface Place {
  /** A file or a URL; empty where there is none. */
  readonly address: string
  remove(): Promise<void>
}

/** Reads `--store sqlite|postgres|memory` (or `--store=…`). Null: neither of them. */
export function chosenStore(argv: readonly string[]): StoreName | null {
  const [flag = '', value] = argv
  if (flag === '') return STORES[0]
  const [, inline] = /^--store(?:=(.*))?$/.exec(flag) ?? [null, null]
  if (inline === null || argv.length > (inline === undefined ? 2 : 1)) return null
  return STORES.find((name) => name === (inline ?? value)) ?? null
}

/** SQLite: a file in a folder of its own. Postgres: POSTHORN_TEST_POSTGRES_URL, or a server whose binaries come from npm. */
export async function makePlace(store: StoreName): Promise<Place> {
  if (store === 'memory') return { address: '', remove: async () => {} }
  if (store === 'sqlite') {
    const folder = await mkdtemp(join(tmpdir(), 'posthorn-demo-'))
    return { address: join(folder, 'demo.db'), remove: () => rm(folder, { recursive: true, force: true }) }
  }
  const given = process.env.POSTHORN_TEST_POSTGRES_URL
  if (given) return { address: given, remove: async () => {} }
  const { startPostgres } = await import('../../test/support/databases/start-postgres.ts')
  const server = await startPostgres()
  return { address: server.url, remove: () => server.stop() }
}

/** An open store, and how to close its client. */
export interface OpenStore {
  readonly store: Store<never>
  close(): Promise<void>
}

/** Opens the store at its place, with its tables made. */
export async function openStore(name: StoreName, address: string): Promise<OpenStore> {
  if (name === 'memory') return { store: memoryStore(), close: async () => {} }
  if (name === 'sqlite') {
    const { DatabaseSync } = await import('@photostructure/sqlite')
    const client = new DatabaseSync(address)
    client.exec('pragma journal_mode = wal; pragma synchronous = normal')
    const store = sqliteStore({ client })
    await store.migrate()
    return { store, close: async () => client.close() }
  }
  const { default: pg } = await import('pg')
  const client = new pg.Pool({ connectionString: address })
  const schema = `posthorn_demo_${process.pid}`
  const store = postgresStore({ client, schema })
  await store.migrate()
  async function close() {
    await client.query(`drop schema ${schema} cascade`)
    await client.end()
  }
  return { store, close }
}
