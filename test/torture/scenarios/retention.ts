/** Test 46: a large history is pruned while events are sent: nothing undelivered is touched, and no delete takes long. */
import { performance } from 'node:perf_hooks'
import { pause } from '../../../src/cli/torture/fleet.ts'
import { createWebhooks } from '../../../src/index.ts'
import type { Store } from '../../../src/store.ts'
import type { Database, Executor } from '../../../src/stores/sql/executor.ts'
import { createSqlStore } from '../../../src/stores/sql/sql-store.ts'
import { quietLogger } from '../../support/setup.ts'
import { type BigPlace, openBigPlace } from '../bench/big-place.ts'
import { countingReceiver } from '../bench/counting-receiver.ts'
import { BIG_TENANT, filler } from '../bench/fill.ts'
import { quantile } from '../bench/quantile.ts'
import type { Scenario } from '../scenario.ts'
import { noServer } from './under-harm.ts'

const HOUR_US = 3_600_000_000
const DAY_MS = 86_400_000
const BATCH = 1_000
const SENT_PER_S = 50
const TENANTS = 20
const SUBSCRIPTIONS = 7

const FULL = { old: 1_000_000, young: 100_000, scheduled: 5_000, held: 5_000 }
const REDUCED = { old: 15_000, young: 3_000, scheduled: 300, held: 300 }
/** A reduced run shares its machine with much else. */
const SLOWEST_MS = { full: 200, reduced: 2_000 }
/** Of the bytes of the tables before, as a multiple of what the rows that are left would take. */
const BYTES = 1.5

export const retention: Scenario = {
  number: 46,
  name: 'retention while sending',
  kinds: ['postgres', 'mysql', 'sqlite'],
  longMinutes: 12,
  async run(bench, kind) {
    const place = await openBigPlace(bench, kind)
    if (place === null) return noServer(kind)
    const deletes: number[] = []
    const pruning = createSqlStore({
      ...place,
      database: timedDeletes(place.database, deletes),
      clock: undefined,
    })
    const sending = createSqlStore({ ...place, clock: undefined })
    await sending.migrate()
    const { old, young, scheduled, held } = bench.full ? FULL : REDUCED
    const now = Math.round((await sending.now()) * 1_000)
    const fill = filler(place, TENANTS)
    const finished = { first: 1, count: old, at: `${now - 72 * HOUR_US} + n` }
    const recent = { first: old + 1, count: young, at: `${now - 2 * HOUR_US} + n` }
    const waiting = { first: old + young + 1, count: scheduled, at: `${now - 60 * HOUR_US} + n` }
    const heldRows = { first: waiting.first + scheduled, count: held, at: `${now - 60 * HOUR_US} + n` }
    for (const rows of [finished, recent]) {
      await fill.events(rows)
      await fill.deliveries(rows, 'succeeded')
      await fill.attempts(rows)
    }
    for (const rows of [waiting, heldRows]) {
      await fill.events(rows)
      await fill.deliveries(rows, 'pending')
      await fill.attempts(rows)
    }
    await fill.retries(waiting, `${now + 99 * HOUR_US} + n`)
    await fill.retries(heldRows, `${now + 99 * HOUR_US} + n`, 1)
    await place.rows(place.settle)
    await pauseAll(sending)
    if (bench.full) bench.say('  filled')
    const undelivered = () => owed(place, waiting.first)
    const before = await undelivered()
    const bytesBefore = await bytesOf(place)

    const receiver = await countingReceiver(bench)
    const webhooks = createWebhooks({
      ...{ store: sending, retention: false, allowHttp: true, allowCidrs: ['127.0.0.0/8'] },
      logger: quietLogger,
    })
    bench.after(() => webhooks.stop())
    await webhooks.subscriptions.create({ tenantId: 'acme', url: receiver.url })
    await webhooks.start()
    let published = 0
    let isSending = true
    const feeding = (async () => {
      while (isSending) {
        const batch = Array.from({ length: SENT_PER_S / 10 }, () => ({
          type: 'order.paid',
          data: {},
          tenantId: 'acme',
        }))
        await webhooks.publishMany(batch)
        published += batch.length
        await pause(100)
      }
    })()
    feeding.catch(() => {})

    let pruned = 0
    const ages = { finishedAgeMs: DAY_MS, bodyAgeMs: 30 * DAY_MS, keyAgeMs: 7 * DAY_MS }
    for (let turn = 1; ; turn++) {
      const { events } = await pruning.prune({ ...ages, limit: BATCH })
      pruned += events
      if (events === 0) break
      if (bench.full && turn % 200 === 0) bench.say(`  pruned ${pruned} of ${old}`)
      await pause(10)
    }
    isSending = false
    await feeding
    for (const until = Date.now() + 30_000; receiver.requests.size < published && Date.now() < until; )
      await pause(50)
    await webhooks.stop()

    const lost = published - receiver.requests.size
    const orphans = await orphansIn(place)
    const changed = (await undelivered()) !== before
    await compact(place)
    const bytes = await bytesOf(place)
    const leftShare = (young + scheduled + held + published) / (old + young + scheduled + held)
    const allowed = bytesBefore * leftShare * BYTES + 1_000_000
    const slowest = Math.max(...deletes)
    const limitMs = bench.full ? SLOWEST_MS.full : SLOWEST_MS.reduced
    await pruning.close()
    await sending.close()
    return {
      problems: [
        ...(lost === 0 ? [] : [`lost ${lost}`]),
        ...(pruned === old ? [] : [`pruned ${pruned} events, not the ${old} that were old and finished`]),
        ...(changed ? ['rows of what is undelivered were touched'] : []),
        ...(orphans === 0 ? [] : [`${orphans} rows without the row that they belong to`]),
        ...(slowest > limitMs ? [`a delete took ${Math.round(slowest)} ms, not ${limitMs}`] : []),
        ...(bytes > allowed
          ? [`${bytes} bytes after, of ${bytesBefore}: more than ${Math.round(allowed)}`]
          : []),
      ],
      figures: {
        ...{ lost, deliveries: published, pruned, undelivered: scheduled + held, orphans },
        'slowest delete ms': Math.round(slowest),
        'delete p95 ms': Math.round(quantile(deletes, 0.95)),
        'MB before': Math.round(bytesBefore / 1e6),
        'MB after': Math.round(bytes / 1e6),
      },
    }
  },
}

/** The subscriptions that the rows name, paused by their users: so nothing but pruning has to do with what they are owed. */
async function pauseAll(store: Store<never>): Promise<void> {
  let id = ''
  const webhooks = createWebhooks({ store, ids: { subscription: () => id }, logger: quietLogger })
  for (const tenantId of [BIG_TENANT, ...Array.from({ length: TENANTS }, (_, n) => `tenant-${n}`)]) {
    for (let number = 0; number < SUBSCRIPTIONS; number++) {
      id = `sub-${number}`
      await webhooks.subscriptions.create({ tenantId, url: 'https://receiver.example/' })
      await webhooks.subscriptions.pause(id, { tenantId })
    }
  }
}

/** Writes down how long each DELETE of the store's own took. */
function timedDeletes(database: Database<never>, deletes: number[]): Database<never> {
  const timed = (executor: Executor): Executor['query'] => {
    return async (sql, parameters) => {
      const begun = performance.now()
      try {
        return await executor.query(sql, parameters)
      } finally {
        if (/^\s*delete/i.test(sql)) deletes.push(performance.now() - begun)
      }
    }
  }
  return {
    ...database,
    query: timed(database),
    transaction: (work) => database.transaction((tx) => work({ ...tx, query: timed(tx) })),
  }
}

/** Every undelivered row that was there before, as text. */
async function owed({ rows, table }: BigPlace, first: number): Promise<string> {
  const all = await Promise.all([
    rows(
      `select * from ${table('queue')} where kind = 1 and tenant_id <> 'acme' order by tenant_id, event_id, id`,
    ),
    rows(
      `select * from ${table('deliveries')} where state = 'pending' and tenant_id <> 'acme' order by tenant_id, id`,
    ),
    rows(
      `select * from ${table('events')} where sequence >= ${first} and tenant_id <> 'acme' order by tenant_id, id`,
    ),
    rows(`select a.* from ${table('attempts')} a join ${table('deliveries')} d on d.tenant_id = a.tenant_id
      and d.id = a.delivery_id where d.state = 'pending' and d.tenant_id <> 'acme' order by a.tenant_id, a.id`),
  ])
  return JSON.stringify(all, (_key, value) => (typeof value === 'bigint' ? String(value) : value))
}

/** Rows whose event or delivery is gone. */
async function orphansIn({ rows, table }: BigPlace): Promise<number> {
  const without = (child: string, parent: string, key: string) => `
    select count(*) as n from ${table(child)} c where c.${key} <> '' and not exists
      (select 1 from ${table(parent)} p where p.tenant_id = c.tenant_id and p.id = c.${key})`
  let count = 0
  for (const sql of [
    without('deliveries', 'events', 'event_id'),
    without('attempts', 'deliveries', 'delivery_id'),
    without('queue', 'events', 'event_id'),
  ]) {
    const [row] = await rows(sql)
    count += Number(row?.n)
  }
  return count
}

const TABLES = ['events', 'deliveries', 'attempts', 'queue']

async function compact({ rows, table, kind }: BigPlace): Promise<void> {
  if (kind === 'sqlite') await rows('vacuum')
  else if (kind === 'mysql') await rows(`optimize table ${TABLES.map(table).join(', ')}`)
  else for (const name of TABLES) await rows(`vacuum full ${table(name)}`)
}

/** What the tables take on the disk, with their indexes. */
async function bytesOf({ rows, table, kind }: BigPlace): Promise<number> {
  if (kind === 'sqlite') {
    const [row] = await rows(
      'select page_count * page_size as bytes from pragma_page_count, pragma_page_size',
    )
    return Number(row?.bytes)
  }
  if (kind === 'mysql') await rows(`analyze table ${TABLES.map(table).join(', ')}`)
  const [row] = await rows(
    kind === 'mysql'
      ? `select sum(data_length + index_length) as bytes from information_schema.tables where table_schema = database()`
      : `select ${TABLES.map((name) => `pg_total_relation_size('${table(name)}')`).join(' + ')} as bytes`,
  )
  return Number(row?.bytes)
}
