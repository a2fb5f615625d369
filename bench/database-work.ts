/** What a database has done so far: statements, and bytes of its log. Null where it cannot say. */
import type { DatabaseOfRun } from './contender.ts'

/** A reading; two of them make a difference. */
export interface DatabaseWork {
  readonly statements: number | null
  readonly logBytes: number | null
}

/** Reads it on a connection of its own. */
export async function watchDatabase(database: DatabaseOfRun | null) {
  if (database?.kind === 'postgres') return watchPostgres(database.url)
  if (database?.kind === 'mysql') return watchMysql(database.url)
  return {
    read: async (): Promise<DatabaseWork> => ({ statements: null, logBytes: null }),
    close: async () => {},
  }
}

async function watchPostgres(url: string) {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const known = await client.query("select 1 from pg_extension where extname = 'pg_stat_statements'")
  const statements =
    known.rows.length === 0
      ? 'null'
      : // Checks of foreign keys are the server's own: no client has sent them.
        '(select sum(calls) from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database()) and query !~ $$^SELECT \\S+ FROM ONLY $$)'
  const text = `select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text as wal, ${statements}::text as calls`
  return {
    async read(): Promise<DatabaseWork> {
      const { rows } = await client.query<{ wal: string; calls: string | null }>(text)
      const [row] = rows
      const calls = row?.calls ?? null
      return { statements: calls === null ? null : Number(calls), logBytes: Number(row?.wal) }
    },
    close: () => client.end(),
  }
}

async function watchMysql(url: string) {
  const { default: mysql } = await import('mysql2/promise')
  const connection = await mysql.createConnection(url)
  return {
    async read(): Promise<DatabaseWork> {
      const [rows] = await connection.query(
        "show global status where Variable_name in ('Com_select', 'Com_insert', 'Com_update', 'Com_delete', 'Com_stmt_execute', 'Innodb_os_log_written')",
      )
      const status = new Map(
        (rows as { Variable_name: string; Value: string }[]).map((r) => [r.Variable_name, Number(r.Value)]),
      )
      const log = status.get('Innodb_os_log_written') ?? null
      const statements = ['Com_select', 'Com_insert', 'Com_update', 'Com_delete'].reduce(
        (sum, name) => sum + (status.get(name) ?? 0),
        0,
      )
      return { statements, logBytes: log }
    },
    close: () => connection.end(),
  }
}
