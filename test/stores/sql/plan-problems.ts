/** What is wrong with how a database would run a hot statement on big tables: reading a whole table, or a sort of more than its batch. */
import type { HotStatement } from './hot-statements.ts'

/** The tables that grow. */
export const BIG = 'queue|events|deliveries|attempts'

type Row = Readonly<Record<string, unknown>>

/** Rows that an index led to in vain, for each look-up; a batch of 500 may be left out as a whole. */
const MANY_IN_VAIN = 500

/** Of `explain (analyze, costs off)`. */
export function postgresPlanProblems(rows: readonly Row[], hot: HotStatement): string[] {
  const lines = rows.map((row) => String(row['QUERY PLAN']))
  return lines.filter(
    (line) =>
      new RegExp(`Seq Scan on (${BIG})\\b`).test(line) ||
      (!hot.sortsItsBatch && /\bSort\b/.test(line)) ||
      Number(/Rows Removed by Filter: (\d+)/.exec(line)?.[1] ?? 0) > MANY_IN_VAIN,
  )
}

/** Of `explain query plan`. */
export function sqlitePlanProblems(rows: readonly Row[], hot: HotStatement, sql: string): string[] {
  const aliases = [...sql.matchAll(new RegExp(`"posthorn_(?:${BIG})"(?: as)? (\\w)\\b`, 'g'))].map(
    ([, name]) => name,
  )
  const names = [...new Set(aliases), 'posthorn_queue']
  const scans = new RegExp(`SCAN (${names.join('|')})( USING (COVERING )?INDEX sqlite_autoindex\\w*)?$`)
  return rows
    .map((row) => String(row.detail))
    .filter((line) => scans.test(line) || (!hot.sortsItsBatch && line.includes('TEMP B-TREE FOR ORDER BY')))
}

/** Of `explain`. A set of rows that was passed in has no index: it is read as it is. */
export function mysqlPlanProblems(rows: readonly Row[], hot: HotStatement): string[] {
  const big = rows.filter(
    ({ table, rows: read }) => /^[qeda]$|^posthorn_/.test(String(table)) && Number(read) > 2,
  )
  return rows
    .filter(
      (row) =>
        (row.type === 'ALL' && big.includes(row)) ||
        (!hot.sortsItsBatch && /filesort/.test(String(row.Extra))),
    )
    .map((row) => JSON.stringify(row))
}
