/** Postgres 14 and newer, and PGlite. */
import { PostgresQueryCompiler } from 'kysely'
import type { Dialect } from '../dialect.ts'
import type { Parameter } from '../executor.ts'

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** `unnest` fills up a shorter array with nulls: a column without any value need not be written, but for the first. */
const NONE: readonly null[] = []

/**
 * JSON as one text with a separator: an array literal would escape each of its quotes, which is most of what an append
 * costs. JSON holds no control character by itself; the first one leaves room for what an empty text would lose.
 */
const joined = (text: string, separator: string, nothing: string): string =>
  `(string_to_array(${text}::text, ${separator}::text, ${nothing}::text))[2:]`

const SEPARATOR = '\x1e'
const NOTHING = '\x1f'

function join(values: readonly (string | number | null)[]): Parameter[] {
  const isTaken = (value: string | number | null) =>
    typeof value === 'string' && (value.includes(SEPARATOR) || value.includes(NOTHING))
  const [separator, nothing] = values.some(isTaken)
    ? [crypto.randomUUID(), crypto.randomUUID()]
    : [SEPARATOR, NOTHING]
  const text = values.map((value) => separator + (value ?? nothing)).join('')
  return [text, separator, nothing]
}

/** See the file's header. */
export const postgres: Dialect = {
  name: 'postgres',
  // A sub-select is evaluated once: the bare function would be called for every row, and no index could be used.
  now: '(select (extract(epoch from clock_timestamp()) * 1000000)::bigint)',
  numbered: true,
  // A planner takes the result of a sub-select for ten rows, which are looked up by index; it would read a table for hundreds.
  rows: (alias, columns, parts, sized) => {
    const left = [...parts]
    const take = () => left.shift() ?? ''
    const arrays = columns.map(({ type }) => {
      if (type === 'json') return joined(take(), take(), take())
      return `${take()}::${type === 'double' ? 'double precision' : type}[]`
    })
    const given = sized ? arrays : arrays.map((array) => `(select ${array})`)
    return `unnest(${given.join(', ')}) as ${alias}(${columns.map(({ name }) => name).join(', ')})`
  },
  bindRows: (columns, rows) =>
    columns.flatMap(({ type }, at): Parameter[] => {
      const values = rows.map((row) => row[at] ?? null)
      if (type === 'json') return join(values)
      return [at > 0 && values.every((value) => value === null) ? NONE : values]
    }),
  table: (schema, name) => `${quoted(schema)}.${quoted(name)}`,
  indexName: (_, name) => quoted(name),
  forUpdate: 'for update',
  locksOnTheWay: false,
  lockFound: 'for update',
  forShare: 'for share',
  skipLocked: 'for update skip locked',
  updatesLocked: true,
  oneWriter: false,
  returning: true,
  lateral: true,
  insertsTogether: true,
  keepExisting: () => 'on conflict do nothing',
  update: ({ table, alias, from, on }, set) => {
    const assignments = Object.entries(set).map(([column, value]) => `${column} = ${value}`)
    return `update ${table} as ${alias} set ${assignments.join(', ')} from ${from} where ${on}`
  },
  remove: ({ table, alias, from, on }) => `delete from ${table} as ${alias} using ${from} where ${on}`,
  nextLanes: (count, stage) => {
    const next = (
      than: string,
      n: string,
    ) => `select tenant_id, subscription_id, due_at, ${n} as n from {queue}
      where stage = ${stage} and (tenant_id, subscription_id) > (${than}) order by tenant_id, subscription_id, due_at limit 1`
    return `with recursive lanes as (
      (${next(':tenant, :subscription', '1')})
      union all
      select q.* from lanes cross join lateral (${next('lanes.tenant_id, lanes.subscription_id', 'lanes.n + 1')}) q
      where lanes.n < ${count}
    ) select tenant_id, subscription_id, due_at from lanes`
  },
  laneKeys: (count) => {
    const next = (than: string, n: string) => `select ordering_key, ${n} as n from {queue}
      where tenant_id = :tenant and subscription_id = :subscription and ordering_key ${than}
      order by tenant_id, subscription_id, ordering_key limit 1`
    return `with recursive keys as (
      (${next('is not null', '1')})
      union all
      select o.* from keys cross join lateral (${next('> keys.ordering_key', 'keys.n + 1')}) o where keys.n < ${count}
    ) select ordering_key from keys`
  },
  // For a LIMIT that it cannot know, the planner looks for the way that gives the first tenth of the rows soonest.
  limitByIndex: (count) => `limit (select ${count})`,
  planned: {
    explain: 'explain (format json)',
    rowsOf: (row) => {
      const plan = row['QUERY PLAN']
      const [top] = (typeof plan === 'string' ? JSON.parse(plan) : plan) as {
        Plan?: { 'Plan Rows'?: number }
      }[]
      return top?.Plan?.['Plan Rows'] ?? 0
    },
  },
  useIndex: () => '',
  joinInOrder: 'join',
  compiler: () => new PostgresQueryCompiler(),
  opening: [],
  migrationLock: { take: ["select 1 from pg_advisory_xact_lock(hashtext('posthorn migrations'))"], free: [] },
  schema: {
    id: 'text collate "C"',
    text: 'text',
    long: 'bigint',
    small: 'smallint',
    double: 'double precision',
    number: 'bigint generated by default as identity',
    numberIsKey: false,
    partialIndexes: true,
    tableSuffix: '',
    // Room in each page, so that a claim changes a row in place without touching an index.
    hotSuffix:
      ' with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0)',
    before: (schema) => [`create schema if not exists ${quoted(schema)}`],
  },
}
