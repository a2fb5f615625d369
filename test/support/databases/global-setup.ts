/** Vitest's global setup: the broker of this run's database servers. Nothing is started until a test file asks. */
import type { TestProject } from 'vitest/node'
import { type Answer, type DatabaseKind, startBroker } from './broker.ts'
import type { DatabaseServer } from './server.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the broker answers. */
    databases: string
  }
}

const required = (process.env.POSTHORN_REQUIRE ?? '').split(',').map((name) => name.trim())

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started: DatabaseServer[] = []

  async function find(kind: DatabaseKind): Promise<Answer> {
    const given = process.env[kind === 'postgres' ? 'POSTHORN_TEST_POSTGRES_URL' : 'POSTHORN_TEST_MYSQL_URL']
    if (given !== undefined && given !== '') return { url: given }
    if (kind === 'postgres') {
      const { startPostgres } = await import('./start-postgres.ts')
      return keep(await startPostgres())
    }
    const { missingMariadb, startMysql } = await import('./start-mysql.ts')
    const missing = await missingMariadb()
    if (missing === null) return keep(await startMysql())
    if (required.includes('mysql')) throw new Error(`POSTHORN_REQUIRE asks for mysql: ${missing}`)
    process.stderr.write(`SKIPPED: every suite that needs MySQL or MariaDB: ${missing}.\n`)
    return { url: null, missing }
  }

  function keep(server: DatabaseServer): Answer {
    started.push(server)
    return { url: server.url }
  }

  const broker = await startBroker(find)
  project.provide('databases', broker.url)
  return async () => {
    await broker.close()
    for (const server of started) await server.stop()
  }
}
