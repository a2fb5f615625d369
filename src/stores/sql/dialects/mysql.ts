/** MySQL 8.0.16 and newer, MariaDB 10.6 and newer: what both understand. */
import { MysqlQueryCompiler } from 'kysely'
import type { Dialect } from '../dialect.ts'
import type { ColumnType } from '../template.ts'

const types: Readonly<Record<ColumnType, string>> = {
  text: 'longtext character set utf8mb4',
  json: 'longtext character set utf8mb4',
  bigint: 'bigint',
  double: 'double',
}

/**
 * Bytes are compared, spaces at the end included, which `utf8mb4_bin` leaves out. The collation that does it has another name on
 * each server, and each reads only its own comment: MariaDB, MySQL 8.0.17 and newer, MySQL 8.0.16 (where spaces at the end do
 * not count). Sets of rows name none: next to a column, the column's decides, since it is the binary one.
 */
const TABLE =
  ' engine = innodb default character set utf8mb4 /*M!100200 collate utf8mb4_nopad_bin */' +
  ' /*!80000 collate utf8mb4_bin */ /*!80017 collate utf8mb4_0900_bin */'

const forced = (index?: string): string => (index === undefined ? '' : `force index (${index})`)

/** See the file's header. */
export const mysql: Dialect = {
  name: 'mysql',
  now: "timestampdiff(microsecond, timestamp'1970-01-01 00:00:00', utc_timestamp(6))",
  numbered: false,
  rows: (alias, columns, [part]) => {
    const list = columns.map(({ name, type }, at) => `${name} ${types[type]} path '$[${at}]'`)
    return `json_table(${part}, '$[*]' columns (${list.join(', ')})) as ${alias}`
  },
  bindRows: (_, rows) => [JSON.stringify(rows)],
  table: (prefix, name) => `\`${(prefix + name).replaceAll('`', '``')}\``,
  indexName: (_, name) => `\`${name}\``,
  forUpdate: 'for update',
  locksOnTheWay: true,
  lockFound: '',
  forShare: 'lock in share mode',
  skipLocked: 'for update skip locked',
  updatesLocked: false,
  oneWriter: false,
  returning: false,
  lateral: false,
  insertsTogether: false,
  keepExisting: (column) => `on duplicate key update ${column} = ${column}`,
  update: ({ table, alias, from, on, index }, set) => {
    const assignments = Object.entries(set).map(([column, value]) => `${alias}.${column} = ${value}`)
    return `update ${from} join ${table} as ${alias} ${forced(index)} on ${on} set ${assignments.join(', ')}`
  },
  remove: ({ table, alias, from, on, index }) =>
    `delete ${alias} from ${from} join ${table} as ${alias} ${forced(index)} on ${on}`,
  // The database itself jumps from group to group here (`Using index for group-by`).
  nextLanes: (
    count,
    stage,
  ) => `select tenant_id, subscription_id, min(due_at) as due_at from {queue} force index (queue_lanes)
    where stage = ${stage} and (tenant_id > :tenant or (tenant_id = :tenant and subscription_id > :subscription))
    group by stage, tenant_id, subscription_id order by stage, tenant_id, subscription_id limit ${count}`,
  // Of a range of one tenant: where the tenant is given, what was jumped over is sorted.
  laneKeys: (count) => `select ordering_key from {queue} force index (queue_order)
    where tenant_id >= :tenant and tenant_id <= :tenant and ordering_key is not null
    group by tenant_id, ordering_key order by tenant_id, ordering_key limit ${count}`,
  limitByIndex: (count) => `limit ${count}`,
  planned: { explain: 'explain', rowsOf: ({ rows }) => Number(rows ?? 0) },
  useIndex: forced,
  joinInOrder: 'straight_join',
  compiler: () => new MysqlQueryCompiler(),
  opening: [],
  migrationLock: {
    take: ["select get_lock('posthorn migrations', 60)"],
    free: ["select release_lock('posthorn migrations')"],
  },
  schema: {
    id: 'varchar(255)',
    text: 'longtext',
    long: 'bigint',
    small: 'smallint',
    double: 'double',
    number: 'bigint not null auto_increment primary key',
    numberIsKey: true,
    partialIndexes: false,
    tableSuffix: TABLE,
    hotSuffix: TABLE,
    before: () => [],
  },
}
