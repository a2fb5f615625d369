/** SQLite 3.38 and newer. One writer at a time: a transaction has the database to itself, so that nothing needs a row lock. */
import { SqliteQueryCompiler } from 'kysely'
import type { Dialect } from '../dialect.ts'

const quoted = (prefix: string, name: string): string => `"${(prefix + name).replaceAll('"', '""')}"`

/** See the file's header. */
export const sqlite: Dialect = {
  name: 'sqlite',
  now: "cast(round((julianday('now') - 2440587.5) * 86400000) as integer) * 1000",
  numbered: false,
  rows: (alias, columns, [part]) => {
    const values = columns.map(({ name }, at) => `json_extract(value, '$[${at}]') as ${name}`)
    return `(select ${values.join(', ')} from json_each(${part})) as ${alias}`
  },
  bindRows: (_, rows) => [JSON.stringify(rows)],
  table: quoted,
  indexName: quoted,
  forUpdate: '',
  locksOnTheWay: false,
  lockFound: '',
  forShare: '',
  skipLocked: '',
  updatesLocked: true,
  oneWriter: true,
  returning: true,
  lateral: false,
  insertsTogether: false,
  keepExisting: () => 'on conflict do nothing',
  update: ({ table, alias, from, on }, set) => {
    const assignments = Object.entries(set).map(([column, value]) => `${column} = ${value}`)
    return `update ${table} as ${alias} set ${assignments.join(', ')} from ${from} where ${on}`
  },
  remove: ({ table, alias, from, on }) =>
    `delete from ${table} where rowid in (select ${alias}.rowid from ${from} cross join ${table} as ${alias} where ${on})`,
  // In two steps: of (a, b) > (c.a, c.b) in a recursive query the index gets the first column only, and reads a flooding tenant to its end.
  nextLanes: (count, stage) => {
    const first = (where: string) => `(select q.id from {queue} q
      where q.stage = ${stage} and ${where} order by q.tenant_id, q.subscription_id, q.due_at limit 1)`
    const next = (tenant: string, subscription: string) => `coalesce(
      ${first(`q.tenant_id = ${tenant} and q.subscription_id > ${subscription}`)}, ${first(`q.tenant_id > ${tenant}`)})`
    return `with recursive lanes(id, n) as (
      select ${next(':tenant', ':subscription')}, 1
      union all
      select ${next('c.tenant_id', 'c.subscription_id')}, lanes.n + 1
      from lanes join {queue} c on c.id = lanes.id where lanes.n < ${count}
    ) select c.tenant_id, c.subscription_id, c.due_at from lanes cross join {queue} c on c.id = lanes.id`
  },
  laneKeys: (count) => {
    const next = (than: string) => `(select o.ordering_key from {queue} o
      where o.tenant_id = :tenant and o.subscription_id = :subscription and o.ordering_key ${than}
      order by o.ordering_key limit 1)`
    return `with recursive keys(ordering_key, n) as (
      select ${next('is not null')}, 1
      union all
      select ${next('> keys.ordering_key')}, keys.n + 1 from keys where keys.ordering_key is not null and keys.n < ${count}
    ) select ordering_key from keys where ordering_key is not null`
  },
  limitByIndex: (count) => `limit ${count}`,
  // It counts a million entries of an index in a fiftieth of a second.
  planned: null,
  useIndex: () => '',
  joinInOrder: 'cross join',
  compiler: () => new SqliteQueryCompiler(),
  opening: ['pragma journal_mode = wal'],
  migrationLock: { take: [], free: [] },
  schema: {
    id: 'text',
    text: 'text',
    long: 'integer',
    small: 'integer',
    double: 'real',
    number: 'integer primary key autoincrement',
    numberIsKey: true,
    partialIndexes: true,
    tableSuffix: '',
    hotSuffix: '',
    before: () => [],
  },
}
