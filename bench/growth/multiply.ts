/** Fills tables with a million rows by statements over sets: real rows of the library, each copied many times under new ids. */
import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'

const OWN_IDS = ['id', 'event_id', 'delivery_id']

/** Copies a tenant's rows of these tables this many times more; ids get a suffix, numbers that the database gives are left to it. */
export async function multiply(
  pool: Pool,
  tenantId: string,
  tables: readonly string[],
  times: number,
): Promise<void> {
  const suffix = `~${randomUUID().slice(0, 8)}-`
  for (const table of tables) {
    const { rows } = await pool.query<{ name: string; type: string; given: boolean }>(
      `select column_name as name, data_type as type, is_identity = 'YES' or column_default is not null as given
       from information_schema.columns where table_schema = 'posthorn' and table_name = $1 and is_generated = 'NEVER'`,
      [table],
    )
    const copied = rows.filter(({ given }) => !given)
    const names = copied.map(({ name }) => `"${name}"`).join(', ')
    const values = copied.map(({ name, type }) =>
      OWN_IDS.includes(name) && !/int/.test(type)
        ? `case when t."${name}" = '' then '' else t."${name}" || '${suffix}' || n end`
        : `t."${name}"`,
    )
    await pool.query(
      `insert into posthorn."${table}" (${names}) select ${values.join(', ')} from posthorn."${table}" t, generate_series(1, ${times}) n where t.tenant_id = $1`,
      [tenantId],
    )
  }
}
