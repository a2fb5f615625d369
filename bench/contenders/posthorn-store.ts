/** The stores that Posthorn is measured on, each with the driver that its users take; only the one in question is loaded. */
import type { Store } from '../../src/index.ts'
import type { Setup } from '../contender.ts'

/** A store, the way to publish in a transaction of it (where the bench measures that), and the way to let go. */
export interface OpenedStore {
  readonly store: Store<never>
  readonly inTransaction?: (publish: (tx: never) => Promise<string>) => Promise<string>
  close(): Promise<void>
}

/** Opens the store of a measurement. */
export async function openStore({ database, variant }: Setup): Promise<OpenedStore> {
  if (database === null) {
    const { memoryStore } = await import('../../src/stores/memory.ts')
    return { store: memoryStore() as Store<never>, close: async () => {} }
  }
  const openers = { sqlite, mysql, postgres, redis: postgres }
  return openers[database.kind](database.url, variant)
}

async function sqlite(path: string): Promise<OpenedStore> {
  const { DatabaseSync } = await import('@photostructure/sqlite')
  const { sqliteStore } = await import('../../src/stores/sqlite.ts')
  const client = new DatabaseSync(path)
  client.exec('pragma journal_mode = wal; pragma synchronous = normal')
  return {
    store: sqliteStore({ client: client as never }) as Store<never>,
    close: async () => client.close(),
  }
}

async function mysql(uri: string): Promise<OpenedStore> {
  const { createPool } = await import('mysql2/promise')
  const { mysqlStore } = await import('../../src/stores/mysql.ts')
  const client = createPool({ uri, connectionLimit: 10 })
  return { store: mysqlStore({ client }) as Store<never>, close: () => client.end() }
}

async function postgres(connectionString: string, variant: string | null): Promise<OpenedStore> {
  const { default: pg } = await import('pg')
  const { postgresStore } = await import('../../src/stores/postgres.ts')
  const client = new pg.Pool({ connectionString, max: 10 })
  const named = variant === 'tuned' ? { namedStatements: true } : {}
  return {
    store: postgresStore({ client: client as never, ...named }) as Store<never>,
    async inTransaction(publish) {
      const connection = await client.connect()
      try {
        await connection.query('begin')
        const id = await publish(connection as never)
        await connection.query('commit')
        return id
      } finally {
        connection.release()
      }
    },
    close: () => client.end(),
  }
}
