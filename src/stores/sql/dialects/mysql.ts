/** MySQL 8.0.16 and newer, MariaDB 10.6 and newer: what both understand. */
import { MysqlQueryCompiler } from 'kysely'
import type { Dialect } from '../dialect.ts'
import type { ColumnType } from '../template.ts'

const types: Readonly<Record<ColumnType, string>> = {
  text: 'longtext character set utf8mb4 collate utf8mb4_bin',
  bigint: 'bigint',
  double: 'double',
}

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
  forShare: 'lock in share mode',
  skipLocked: 'for update skip locked',
  updatesLocked: false,
  synchronous: false,
  returning: false,
  changesInCommon: false,
  keepExisting: (column) => `on duplicate key update ${column} = ${column}`,
  update: ({ table, alias, from, on }, set) => {
    const assignments = Object.entries(set).map(([column, value]) => `${alias}.${column} = ${value}`)
    return `update ${from} join ${table} as ${alias} on ${on} set ${assignments.join(', ')}`
  },
  remove: ({ table, alias, from, on }) => `delete ${alias} from ${from} join ${table} as ${alias} on ${on}`,
  // The database itself jumps from group to group here (`Using index for group-by`).
  nextLanes: (
    count,
  ) => `select tenant_id, subscription_id, min(due_at) as due_at from {queue} force index (queue_lanes)
    where stage = 0 and (tenant_id > :tenant or (tenant_id = :tenant and subscription_id > :subscription))
    group by stage, tenant_id, subscription_id order by stage, tenant_id, subscription_id limit ${count}`,
  useIndex: (name) => `force index (${name})`,
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
    tableSuffix: ' engine = innodb default character set utf8mb4 collate utf8mb4_bin',
    hotSuffix: ' engine = innodb default character set utf8mb4 collate utf8mb4_bin',
    before: () => [],
  },
}
