/** The MariaDB of this run, and databases of a test file's own on it. */
import mysql from 'mysql2/promise'
import { inject } from 'vitest'
import { askForServer } from './broker.ts'
import { freshName, withDatabase } from './server.ts'

/** The server of this run, or null where there is none (its suites are skipped, and a line has been printed). */
export async function mysqlServer(): Promise<{ readonly url: string } | null> {
  const server = await askForServer(inject('databases'), 'mysql')
  return server.url === null ? null : { url: server.url }
}

/** A database of the test file's own, or null where there is no server. Drop it in `afterAll`. */
export async function createMysqlDatabase(): Promise<{ readonly url: string; drop(): Promise<void> } | null> {
  const server = await mysqlServer()
  if (server === null) return null
  const name = freshName()
  const query = async (sql: string): Promise<void> => {
    const connection = await mysql.createConnection(server.url)
    try {
      await connection.query(sql)
    } finally {
      await connection.end()
    }
  }
  await query(`create database ${name} character set utf8mb4`)
  return { url: withDatabase(server.url, name), drop: () => query(`drop database if exists ${name}`) }
}
