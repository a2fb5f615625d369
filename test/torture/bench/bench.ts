/** Gives scenarios their databases: on servers that the caller names, each place empty and dropped afterwards. */
import mysql from 'mysql2/promise'
import pg from 'pg'
import { freshName, temporaryFolder, withDatabase } from '../../support/databases/server.ts'
import { startPostgres } from '../../support/databases/start-postgres.ts'
import type { Bench, Findings, Kind, Scenario } from '../scenario.ts'

/** Where a bench gets its servers; null where there is none. */
export type Servers = (kind: 'postgres' | 'mysql') => Promise<{ readonly url: string } | null>

/** Whoever must be able to clear away what a scenario has started, in the middle of it. */
interface Hearing {
  onEndings?(end: () => Promise<void>): void
}

/** Runs one scenario on one database and clears away what it left. */
export async function runScenario(
  scenario: Scenario,
  kind: Kind,
  given: Pick<Bench, 'seed' | 'full' | 'programs' | 'say'> & Partial<Pick<Bench, 'part'>> & Hearing,
  servers: Servers,
): Promise<Findings | { readonly skipped: string }> {
  const endings: (() => unknown)[] = []
  const end = async (): Promise<void> => {
    for (let ending = endings.pop(); ending !== undefined; ending = endings.pop()) await ending()
  }
  given.onEndings?.(end)
  const bench: Bench = {
    part: (_name, work) => work(),
    ...given,
    after: (work) => void endings.push(work),
    async ownPostgres(settings = []) {
      const server = await startPostgres({ settings: ['synchronous_commit=on', ...settings] })
      endings.push(() => server.stop())
      return server
    },
    async place(which) {
      if (which === 'sqlite') {
        const folder = await temporaryFolder('torture')
        endings.push(folder.remove)
        return { url: `sqlite:${folder.path}/torture.db` }
      }
      const server = await servers(which)
      if (server === null) return null
      const name = freshName()
      const run = which === 'postgres' ? onPostgres(server.url) : onMysql(server.url)
      await run(
        which === 'postgres'
          ? `create database ${name} template template0`
          : `create database ${name} character set utf8mb4`,
      )
      endings.push(() => run(`drop database if exists ${name}${which === 'postgres' ? ' with (force)' : ''}`))
      return { url: withDatabase(server.url, name) }
    },
  }
  try {
    return await scenario.run(bench, kind)
  } finally {
    await end()
  }
}

const onPostgres = (url: string) => async (sql: string) => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

const onMysql = (url: string) => async (sql: string) => {
  const connection = await mysql.createConnection(url)
  try {
    await connection.query(sql)
  } finally {
    await connection.end()
  }
}
