/** The tables, in the words of each database. What changes after a release is a new migration, never a change here. */
import type { Dialect, SchemaDialect } from './dialect.ts'
import { type Index, indexes } from './indexes.ts'

/** Columns of one table by name, and what follows them. */
interface Table {
  readonly name: string
  readonly columns: readonly string[]
  readonly key: string
  readonly hot?: boolean
}

function tables({ id, text, long, small, double, number, numberIsKey }: SchemaDialect): readonly Table[] {
  return [
    {
      name: 'tenants',
      key: 'tenant_id',
      columns: [`tenant_id ${id} not null`, `version ${long} not null`, `last_created_at ${long} not null`],
    },
    {
      name: 'subscriptions',
      key: 'tenant_id, id',
      columns: [
        `tenant_id ${id} not null`,
        `id ${id} not null`,
        `url ${text} not null`,
        `events ${text} not null`,
        `name ${text}`,
        `description ${text}`,
        `headers ${text} not null`,
        `metadata ${text} not null`,
        `state ${id} not null`,
        `paused_by ${id}`,
        `disabled_reason ${id}`,
        `disabled_at ${long}`,
        `secrets ${text} not null`,
        `settings ${text} not null`,
        `conditions ${text} not null`,
        `created_at ${long} not null`,
        `updated_at ${long} not null`,
        `revision ${long} not null`,
      ],
    },
    {
      // Append-only: nothing is changed but by pruning.
      name: 'events',
      key: numberIsKey ? '' : 'tenant_id, id',
      columns: [
        `sequence ${number}`,
        `tenant_id ${id} not null`,
        `id ${id} not null`,
        `type ${id} not null`,
        `body ${text}`,
        `metadata ${text}`,
        `ordering_key ${id}`,
        `settings ${text}`,
        `test ${small} not null`,
        `skipped ${small} not null`,
        `idempotency_key ${id}`,
        `occurred_at ${long} not null`,
        `published_at ${long} not null`,
        `due_at ${long} not null`,
        ...(numberIsKey ? [`append_id ${long} not null`] : []),
      ],
    },
    {
      name: 'deliveries',
      key: numberIsKey ? '' : 'tenant_id, id',
      columns: [
        `number ${number}`,
        `tenant_id ${id} not null`,
        `id ${id} not null`,
        `event_id ${id} not null`,
        `event_type ${id} not null`,
        // Empty for a one-use destination.
        `subscription_id ${id} not null`,
        `destination ${text}`,
        `body ${text}`,
        `headers ${text}`,
        `state ${id} not null`,
        `reason ${id}`,
        `test ${small} not null`,
        `attempt_count ${long} not null`,
        `round_start ${long} not null`,
        `last_status ${long}`,
        `last_failure ${id}`,
        `created_at ${long} not null`,
        `updated_at ${long} not null`,
        `ended_at ${long}`,
        `expires_at ${long} not null`,
      ],
    },
    {
      name: 'attempts',
      key: 'tenant_id, delivery_id, number',
      columns: [
        `tenant_id ${id} not null`,
        `id ${id} not null`,
        `delivery_id ${id} not null`,
        `event_id ${id} not null`,
        `event_type ${id} not null`,
        `subscription_id ${id} not null`,
        `number ${long} not null`,
        `cause ${id} not null`,
        `url ${text} not null`,
        `started_at ${long} not null`,
        `duration_us ${long} not null`,
        `outcome ${id} not null`,
        `status ${long}`,
        `failure ${id}`,
        `message ${text}`,
        `excerpt ${text}`,
        `may_have_been_received ${small} not null`,
        `after_lost_claim ${small} not null`,
        `late ${small} not null`,
      ],
    },
    {
      // Outstanding work only. Small, and claimed without a change to any indexed column.
      name: 'queue',
      key: numberIsKey ? '' : 'tenant_id, event_id, id',
      hot: true,
      columns: [
        `id ${number}`,
        `tenant_id ${id} not null`,
        // Empty for a job.
        `event_id ${id} not null`,
        // 0 due, 1 held, 2 due but suspect: its claims were lost twice.
        `stage ${small} not null`,
        // 0 event, 1 delivery, 2 job.
        `kind ${small} not null`,
        `bucket ${small} not null`,
        // Empty for what is no subscription's delivery.
        `subscription_id ${id} not null`,
        `delivery_id ${id}`,
        `after_id ${id}`,
        `up_to_id ${id}`,
        `job ${text}`,
        `cause ${id} not null`,
        // Of a held row its position.
        `due_at ${long} not null`,
        `position_at ${long} not null`,
        `sequence ${long} not null`,
        `ordering_key ${id}`,
        `expires_at ${long}`,
        `released ${small} not null`,
        // 0 waits for nobody and blocks nobody, 1 in order, with an ordering key, 2 in order, without one.
        `in_order ${small} not null`,
        `token ${id}`,
        `lease_until ${long} not null`,
        // How often it was claimed: never, once, more than once.
        `resumed ${small} not null`,
        `claims ${small} not null`,
        `lost_alone ${small} not null`,
        `claims_before ${small} not null`,
        `lost_alone_before ${small} not null`,
      ],
    },
    {
      // Token buckets of subscriptions with a rate; their rows also serialise releases.
      name: 'paces',
      key: 'tenant_id, subscription_id',
      columns: [
        `tenant_id ${id} not null`,
        `subscription_id ${id} not null`,
        `tokens ${double}`,
        `refilled_at ${long} not null`,
      ],
    },
    {
      name: 'rollups',
      key: 'tenant_id, bucket_ms, bucket_at, subscription_id, event_type, slot',
      columns: [
        `tenant_id ${id} not null`,
        `bucket_ms ${long} not null`,
        `bucket_at ${long} not null`,
        `subscription_id ${id} not null`,
        `event_type ${numberIsKey ? id.replace('255', '128') : id} not null`,
        `slot ${numberIsKey ? id.replace('255', '64') : id} not null`,
        `counters ${text} not null`,
        `histogram ${text} not null`,
      ],
    },
  ]
}

/** The statements of the first migration. */
export function createTables(dialect: Dialect, namespace: string): readonly string[] {
  const { schema } = dialect
  return tables(schema).flatMap(({ name, columns, key, hot }) => {
    const table = dialect.table(namespace, name)
    const own = indexes.flatMap((index) =>
      index.table === name ? (worded(index, dialect, namespace) ?? []) : [],
    )
    // Where a change of the schema cannot be rolled back, a table comes with its indexes, or not at all.
    const inline = schema.partialIndexes
      ? []
      : own.map((index) => `${index.unique}key ${index.name} (${index.columns})`)
    const lines = [...columns, ...(key === '' ? [] : [`primary key (${key})`]), ...inline]
    const suffix = hot ? schema.hotSuffix : schema.tableSuffix
    const created = `create table if not exists ${table} (\n  ${lines.join(',\n  ')}\n)${suffix}`
    if (!schema.partialIndexes) return [created]
    const indexed = own.map(
      (index) => `create ${index.unique}index ${index.name} on ${table} (${index.columns})${index.where}`,
    )
    return [created, ...indexed]
  })
}

function worded(index: Index, dialect: Dialect, namespace: string) {
  const { partialIndexes, numberIsKey } = dialect.schema
  if (index.numbered !== undefined && index.numbered !== numberIsKey) return null
  const unique = index.unique ? 'unique ' : ''
  const name = dialect.indexName(namespace, index.name)
  if (index.where === undefined || !partialIndexes) {
    if (index.where !== undefined && index.whole === undefined && !index.unique) return null
    return { unique, name, columns: index.whole ?? index.columns, where: '' }
  }
  return { unique, name, columns: index.columns, where: ` where ${index.where}` }
}
