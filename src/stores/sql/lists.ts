/** Reads rows for people: pages of them, newest first. The query builder only compiles; the store's executor runs. */
import {
  DummyDriver,
  type Expression,
  type JoinBuilder,
  Kysely,
  MysqlAdapter,
  PostgresAdapter,
  type SelectQueryBuilder,
  type SqlBool,
  SqliteAdapter,
  sql,
} from 'kysely'
import type {
  AttemptFilter,
  DeliveryFilter,
  EventFilter,
  JobFilter,
  Page,
  Rows,
  SubscriptionFilter,
  TenantFilter,
} from '../../lists.ts'
import { anyTenant } from '../../model.ts'
import { matchesPattern } from '../../patterns.ts'
import type {
  AttemptRecord,
  DeliveryRecord,
  EventRecord,
  StoredJob,
  SubscriptionRecord,
} from '../../records.ts'
import type { Dialect } from './dialect.ts'
import { OF_SUBSCRIPTION } from './indexes.ts'
import { attemptOf, deliveryOf, eventOf, jobOf, KIND, number, subscriptionOf, toMicros } from './rows.ts'
import type { Row, Session } from './session.ts'

type Columns = Record<string, string | number | null>
type Tables = Record<string, Columns>
type Query = SelectQueryBuilder<Tables, string, Record<string, unknown>>

const adapters = {
  postgres: () => new PostgresAdapter(),
  mysql: () => new MysqlAdapter(),
  sqlite: () => new SqliteAdapter(),
} as const

/** A query builder that runs nothing. */
export function createBuilder(dialect: Dialect): Kysely<Tables> {
  return new Kysely<Tables>({
    dialect: {
      createAdapter: adapters[dialect.name],
      createDriver: () => new DummyDriver(),
      createIntrospector: () => {
        throw new Error('The builder only compiles.')
      },
      createQueryCompiler: dialect.compiler,
    },
  })
}

interface List {
  readonly table: string
  /** The instant that orders it. */
  readonly at: string
  readonly where: readonly Expression<SqlBool>[]
  /** The tenants to look at, where no index leads to the rows of all of them. */
  readonly tenants?: string
}

/** Rows that are looked at in one statement, where this code decides which of them fit. */
const LOOK = 500

/** How a row is read, whether it fits, and where it stands in the order of the list. */
interface Looks<Record> {
  readonly record: (row: Row) => Record
  readonly fits: (record: Record) => boolean
  readonly placeOf: (record: Record) => { readonly at: number; readonly id: string }
}

/** Which tenants have jobs: the index is read from tenant to tenant, not row by row. */
const JOB_TENANTS = (queue: string, useIndex: string) =>
  `select tenant_id from ${queue} ${useIndex} where event_id = '' group by tenant_id`

const equals = (column: string, value: string | undefined): Expression<SqlBool>[] =>
  value === undefined ? [] : [sql<SqlBool>`${sql.ref(column)} = ${value}`]

function within(column: string, { since, until }: { since?: number; until?: number }): Expression<SqlBool>[] {
  return [
    ...(since === undefined ? [] : [sql<SqlBool>`${sql.ref(column)} >= ${toMicros(since)}`]),
    ...(until === undefined ? [] : [sql<SqlBool>`${sql.ref(column)} < ${toMicros(until)}`]),
  ]
}

function ofTenants(filter: TenantFilter): Expression<SqlBool>[] {
  if (filter === anyTenant) return []
  if (typeof filter === 'string') return equals('r.tenant_id', filter)
  const tenants = [...new Set(filter as readonly string[])]
  if (tenants.length === 0) return [sql<SqlBool>`1 = 0`]
  return [sql<SqlBool>`r.tenant_id in (${sql.join(tenants)})`]
}

/** `Store.list…` of one process. */
export function createLists(session: Session) {
  const builder = createBuilder(session.dialect)
  const tableOf = (name: string) => sql.raw(session.table(name))

  function base({ table, where, tenants }: List): Query {
    const from = sql<Columns>`${tableOf(table)}`.as('r') as never
    let query = builder.selectFrom(from) as unknown as Query
    if (tenants !== undefined) {
      const known = sql<Columns>`(${sql.raw(tenants)})`.as('t') as never
      query = query.innerJoin(known, (join: JoinBuilder<Tables, string>) =>
        join.on(sql<SqlBool>`t.tenant_id = r.tenant_id`),
      ) as unknown as Query
    }
    for (const condition of where) query = query.where(condition)
    return query
  }

  const run = (query: { compile(): { sql: string; parameters: readonly unknown[] } }) => {
    const compiled = query.compile()
    return session.query(compiled.sql, compiled.parameters)
  }

  function paged(list: List, page: Page): Query {
    const direction = page.order === 'oldest' ? 'asc' : 'desc'
    const [at, id] = [sql.ref(`r.${list.at}`), sql.ref('r.id')]
    let query = base(list)
    if (page.after !== undefined) {
      const than = sql.raw(direction === 'asc' ? '>' : '<')
      const instant = toMicros(page.after.at)
      // The first condition is for the index, the second for rows of the same instant.
      query = query
        .where(sql<SqlBool>`${at} ${than}= ${instant}`)
        .where(sql<SqlBool>`(${at} ${than} ${instant} or ${id} ${than} ${page.after.id})`)
    }
    return query
      .orderBy(sql`${at}`, direction)
      .orderBy(sql`${id}`, direction)
      .limit(page.limit)
      .offset(page.offset ?? 0)
  }

  async function total(list: List, page: Page): Promise<number | null> {
    if (page.total !== true) return null
    const [row] = await run(base(list).select(sql<number>`count(*)`.as('total')))
    return number(row?.total)
  }

  async function rowsOf<Record>(list: List, page: Page, record: (row: Row) => Record): Promise<Rows<Record>> {
    const rows = await run(paged(list, page).selectAll('r'))
    return { rows: rows.map(record), total: await total(list, page) }
  }

  /**
   * Rows that fit what only this code can tell. They are read in pages, whatever their number, and no further than the page at hand
   * reaches, unless all of them are to be counted.
   */
  async function filtered<Record>(list: List, page: Page, looks: Looks<Record>): Promise<Rows<Record>> {
    const { record, fits, placeOf } = looks
    const start = page.offset ?? 0
    // A total counts what comes before the page, too.
    const isCounted = page.total === true && page.after === undefined
    const found: Record[] = []
    let count = 0
    for (let after = page.after; ; ) {
      const { total: _total, after: _after, ...same } = { ...page, limit: LOOK, offset: 0 }
      const rows = (
        await run(paged(list, after === undefined ? same : { ...same, after }).selectAll('r'))
      ).map(record)
      for (const row of rows.filter(fits)) {
        if (count >= start && found.length < page.limit) found.push(row)
        count += 1
      }
      const last = rows.at(-1)
      if (last === undefined || rows.length < LOOK) break
      if (!isCounted && found.length === page.limit) break
      after = placeOf(last)
    }
    if (page.total !== true) return { rows: found, total: null }
    if (isCounted) return { rows: found, total: count }
    return { rows: found, total: (await filtered(list, { limit: 0, total: true }, looks)).total }
  }

  return {
    listEvents(filter: EventFilter, page: Page): Promise<Rows<EventRecord>> {
      const where = [
        ...ofTenants(filter.tenant),
        ...equals('r.type', filter.type),
        ...within('r.published_at', filter),
      ]
      return rowsOf({ table: 'events', at: 'published_at', where }, page, (row) => eventOf(row))
    },

    async listDeliveries(filter: DeliveryFilter, page: Page): Promise<Rows<DeliveryRecord>> {
      const where = [
        ...ofTenants(filter.tenant),
        ...equals('r.subscription_id', filter.subscriptionId),
        ...(filter.subscriptionId === undefined ? [] : [sql<SqlBool>`r.${sql.raw(OF_SUBSCRIPTION)}`]),
        ...equals('r.event_id', filter.eventId),
        ...equals('r.event_type', filter.type),
        ...equals('r.state', filter.state),
        ...within('r.created_at', filter),
      ]
      const list = { table: 'deliveries', at: 'created_at', where }
      const queue = sql<Columns>`${tableOf('queue')}`.as('q') as never
      const joined = paged(list, page).leftJoin(queue, (join: JoinBuilder<Tables, string>) =>
        join.on(sql<SqlBool>`q.tenant_id = r.tenant_id and q.delivery_id = r.id`),
      ) as unknown as Query
      const query = joined
        .selectAll('r')
        .select([sql`q.stage`.as('waiting_stage'), sql`q.due_at`.as('waiting_at')])
      return { rows: (await run(query)).map((row) => deliveryOf(row)), total: await total(list, page) }
    },

    listAttempts(filter: AttemptFilter, page: Page): Promise<Rows<AttemptRecord>> {
      const ofEvent =
        filter.eventId === undefined
          ? []
          : [
              sql<SqlBool>`exists (select 1 from ${tableOf('deliveries')} d where d.tenant_id = r.tenant_id
                and d.id = r.delivery_id and d.event_id = ${filter.eventId})`,
            ]
      const where = [
        ...ofTenants(filter.tenant),
        ...equals('r.delivery_id', filter.deliveryId),
        ...equals('r.subscription_id', filter.subscriptionId),
        ...equals('r.event_type', filter.type),
        ...ofEvent,
        ...within('r.started_at', filter),
      ]
      return rowsOf({ table: 'attempts', at: 'started_at', where }, page, attemptOf)
    },

    /** What a job says of itself is text to the database: its state is looked for here, in the jobs of a day. */
    async listJobs(filter: JobFilter, page: Page): Promise<Rows<StoredJob>> {
      const isJob = sql<SqlBool>`r.kind = ${sql.lit(KIND.job)}`
      const where = [...ofTenants(filter.tenant), ...equals('r.event_id', ''), isJob]
      const { dialect } = session
      const isBounded = filter.tenant !== anyTenant || dialect.schema.partialIndexes
      const tenants = isBounded
        ? {}
        : { tenants: JOB_TENANTS(session.table('queue'), dialect.useIndex('queue_event')) }
      const list = { table: 'queue', at: 'position_at', where, ...tenants }
      const { state } = filter
      if (state === undefined) return rowsOf(list, page, jobOf)
      return filtered(list, page, {
        record: jobOf,
        fits: ({ job }) => job.state === state,
        placeOf: ({ addedAt, number }) => ({ at: addedAt, id: String(number) }),
      })
    },

    /** A pattern or a label is looked for here, in the rows that fit the rest. */
    async listSubscriptions(filter: SubscriptionFilter, page: Page): Promise<Rows<SubscriptionRecord>> {
      const where = [...ofTenants(filter.tenant), ...equals('r.state', filter.state)]
      const list = { table: 'subscriptions', at: 'created_at', where }
      const { eventType: type, metadata } = filter
      if (type === undefined && metadata === undefined) return rowsOf(list, page, subscriptionOf)
      const fits = ({ events, metadata: labels }: SubscriptionRecord) =>
        (type === undefined || events.some((one) => one === type || matchesPattern(one, type))) &&
        Object.entries(metadata ?? {}).every(
          ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
        )
      return filtered(list, page, {
        record: subscriptionOf,
        fits,
        placeOf: ({ createdAt, id }) => ({ at: createdAt, id }),
      })
    },
  }
}
