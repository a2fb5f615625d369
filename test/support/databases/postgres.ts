/** The Postgres of this run, and databases of a test file's own on it. */
import pg from 'pg'
import { inject } from 'vitest'
import { askForServer } from './broker.ts'
import { freshName, withDatabase } from './server.ts'

/** The server of this run: started at the first question, shared by all test files. */
export async function postgresServer(): Promise<{ readonly url: string }> {
  const server = await askForServer(inject('databases'), 'postgres')
  if (server.url === null) throw new Error(server.missing)
  return { url: server.url }
}

/** A database of the test file's own. Drop it in `afterAll`. */
export async function createPostgresDatabase(): Promise<{ readonly url: string; drop(): Promise<void> }> {
  const { url } = await postgresServer()
  const name = freshName()
  const run = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    try {
      await client.query(sql)
    } finally {
      await client.end()
    }
  }
  await run(`create database ${name} template template0`)
  return { url: withDatabase(url, name), drop: () => run(`drop database if exists ${name} with (force)`) }
}
