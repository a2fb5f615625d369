/**
 * The schema's versions: numbered, forward only, run one process at a time. What has been released is never edited; what it lacks
 * comes as the next number. A newer schema than this code knows is fine: versions of a rolling deploy share one database.
 */
import { PosthornError } from '../../errors.ts'
import type { Migrated } from '../../queries.ts'
import type { Dialect } from './dialect.ts'
import { createTables } from './schema.ts'
import type { Session, Statements } from './session.ts'

interface Migration {
  readonly version: number
  readonly name: string
  statements(dialect: Dialect, namespace: string): readonly string[]
}

const migrations: readonly Migration[] = [{ version: 1, name: 'create tables', statements: createTables }]

/** The version that this code needs. */
export const SCHEMA_VERSION = Math.max(...migrations.map(({ version }) => version))

const READ = 'select coalesce(max(version), 0) as version from {migrations}'
const WRITE = 'insert into {migrations} (version, name, applied_at) values (:version, :name, {now})'

function versionTable(dialect: Dialect, namespace: string): string {
  const { long, id, tableSuffix } = dialect.schema
  const columns = `version ${long} primary key, name ${id} not null, applied_at ${long} not null`
  return `create table if not exists ${dialect.table(namespace, 'migrations')} (${columns})${tableSuffix}`
}

/** Every statement from nothing to the newest version, for people who run it themselves. */
export function schemaSql(dialect: Dialect, namespace: string): string {
  const table = dialect.table(namespace, 'migrations')
  const statements = migrations.flatMap(({ version, name, statements }) => [
    ...statements(dialect, namespace),
    `insert into ${table} (version, name, applied_at) values (${version}, '${name}', ${dialect.now})`,
  ])
  const all = [...dialect.schema.before(namespace), versionTable(dialect, namespace), ...statements]
  return all.map((statement) => `${statement};\n`).join('\n')
}

/** `Store.migrate`. */
export async function migrate(session: Session, namespace: string): Promise<Migrated> {
  const { dialect } = session
  for (const statement of dialect.opening) await session.query(statement, [])
  return session.transaction(async (statements) => {
    const plain = async (list: readonly string[]) => {
      for (const statement of list) await statements.query(statement, [])
    }
    await plain(dialect.migrationLock.take)
    try {
      await plain([...dialect.schema.before(namespace), versionTable(dialect, namespace)])
      const from = await readVersion(statements)
      const missing = migrations.filter(({ version }) => version > from)
      for (const { version, name, statements: list } of missing) {
        await plain(list(dialect, namespace))
        await statements.run(WRITE, { version, name })
      }
      const applied = missing.map(({ name }) => name)
      return { from, to: Math.max(from, SCHEMA_VERSION), applied }
    } finally {
      await plain(dialect.migrationLock.free)
    }
  })
}

/** @throws PosthornError `STORE_FAILED` when the schema is missing or behind */
export async function checkSchema(session: Session, namespace: string): Promise<void> {
  for (const statement of session.dialect.opening) await session.query(statement, [])
  const problem = await schemaProblem(session, namespace)
  if (problem !== null) throw problem
}

/** What is missing, and how to mend it; null where the tables are there and new enough. */
export async function schemaProblem(
  session: Session,
  namespace: string,
  cause?: Error,
): Promise<PosthornError | null> {
  const version = await readVersion(session).catch(async (error: unknown) => {
    // Without the table the version is 0; without a database the error is the answer.
    await session.query('select 1', []).catch(() => {
      throw error
    })
    return 0
  })
  if (version >= SCHEMA_VERSION) return null
  const place = session.dialect.name === 'postgres' ? `schema \`${namespace}\`` : `tables \`${namespace}*\``
  const found = version === 0 ? 'do not exist yet' : `are at version ${version}`
  return new PosthornError(
    'STORE_FAILED',
    `The tables of Posthorn (${place}) ${found}, and this version needs version ${SCHEMA_VERSION}: run \`await webhooks.migrate()\` or \`npx posthorn migrate\` once, then start again.`,
    { cause },
  )
}

async function readVersion(statements: Statements): Promise<number> {
  const [row] = await statements.rows(READ)
  return Number(row?.version ?? 0)
}
