/** Test 15: everything through a pooler in transaction mode, where each transaction may meet another connection. */
import pg from 'pg'
import { pause } from '../../../src/cli/torture/fleet.ts'
import { nothingHappens } from '../../../src/cli/torture/harms.ts'
import { createWebhooks } from '../../../src/index.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import { storeConformance } from '../../../src/testing/index.ts'
import { emptyStores } from '../../stores/sql/make-store.ts'
import { onPool } from '../../stores/sql/on-pool.ts'
import { missingPgbouncer, POOL_SIZE, startPgbouncer } from '../../support/databases/start-pgbouncer.ts'
import type { Bench, Findings, Scenario } from '../scenario.ts'
import { joined } from './joined.ts'
import { noServer, underHarm } from './under-harm.ts'

export const pooler: Scenario = {
  number: 15,
  name: 'pgbouncer in transaction mode',
  kinds: ['postgres'],
  longMinutes: 5,
  needs: 'pgbouncer',
  async run(bench, kind) {
    const missing = await missingPgbouncer()
    if (missing !== null) return { skipped: `there is ${missing}` }
    const place = await bench.place(kind)
    const other = await bench.place(kind)
    if (place === null || other === null) return noServer(kind)
    const open = async (url: string) => {
      const bouncer = await startPgbouncer(url)
      bench.after(() => bouncer.stop())
      return bouncer.url
    }
    const through = await open(place.url)
    const load = bench.full
      ? { workers: 3, events: 4_000, endpoints: 5, spreadMs: 40_000, timeoutMs: 15_000, failing: 0.02 }
      : { workers: 2, events: 200, endpoints: 3, spreadMs: 4_000, timeoutMs: 15_000, failing: 0.02 }
    const parts = [
      {
        name: 'the conformance kit',
        found: await bench.part('the conformance kit', async () => conformance(bench, await open(other.url))),
      },
      {
        name: 'deliveries',
        found: await bench.part('deliveries', () =>
          underHarm(bench, { url: through }, load, nothingHappens, ({ duplicated }) =>
            duplicated > 0 ? [`duplicated ${duplicated}, although nothing happened`] : [],
          ),
        ),
      },
      { name: 'listening', found: await listening(bench, through) },
      { name: 'the pooled connections', found: { problems: await traces(through), figures: {} } },
    ]
    return joined(parts)
  },
}

/** Every case of the kit, through the pooler. */
async function conformance(bench: Bench, url: string): Promise<Findings> {
  const pool = new pg.Pool({ connectionString: url, max: 8 })
  bench.after(() => pool.end())
  const makeStore = emptyStores(() => onPool(pool))
  const problems: string[] = []
  const cases = storeConformance(makeStore)
  for (const [index, one] of cases.entries()) {
    const title = `${one.group}: ${one.name}`
    const skip = (reason?: string) => problems.push(`${title}: was skipped: ${reason}`)
    await one.run({ skip }).catch((error: Error) => problems.push(`${title}: ${error.message}`))
    if (bench.full && (index + 1) % 50 === 0) bench.say(`  ${index + 1} of ${cases.length} cases`)
  }
  return { problems, figures: { cases: cases.length } }
}

/** A notification of its own comes back within five seconds, or never. */
const JUDGED_MS = 8_000

/** Wake-up hints that a pooler drops: one clear warning, and the work is done all the same. */
async function listening(bench: Bench, url: string): Promise<Findings> {
  const pool = new pg.Pool({ connectionString: url, max: 5 })
  bench.after(() => pool.end())
  const warnings: string[] = []
  const nothing = () => {}
  const webhooks = createWebhooks({
    store: postgresStore({ client: pool, listen: true }),
    logger: {
      ...{ debug: nothing, info: nothing, error: nothing },
      warn: (_details: object, message = '') => void warnings.push(message),
    },
  })
  bench.after(() => webhooks.stop())
  await webhooks.start()
  await pause(JUDGED_MS)
  const clear = warnings.filter((message) => /pooler in transaction mode/.test(message))
  await webhooks.stop()
  return {
    problems:
      clear.length === 1 && warnings.length === 1
        ? []
        : [`${warnings.length} warnings that notifications are dropped, not 1: ${warnings.join(' | ')}`],
    figures: {},
  }
}

/** What our statements have left on the connections that others are given next. */
async function traces(url: string): Promise<string[]> {
  const pool = new pg.Pool({ connectionString: url, max: POOL_SIZE })
  const clients = await Promise.all(Array.from({ length: POOL_SIZE }, () => pool.connect()))
  try {
    const found: string[] = []
    const seen = new Set<number>()
    for (const client of clients) {
      await client.query('begin')
      const { rows } = await client.query(`
        select pg_backend_pid() as pid,
          (select coalesce(string_agg(name || ' = ' || setting, ', '), '') from pg_settings
            where source = 'session' and name not in ('application_name', 'client_encoding', 'DateStyle', 'TimeZone')) as settings,
          (select count(*)::int from pg_prepared_statements) as prepared,
          (select count(*)::int from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
          (select setting from pg_settings where name = 'lock_timeout') as lock_timeout,
          (select count(*)::int from pg_class where relpersistence = 't' and pg_table_is_visible(oid)) as temporary`)
      const [{ pid, settings, prepared, locks, lock_timeout, temporary }] = rows
      seen.add(pid)
      if (settings !== '' || prepared + locks + temporary > 0 || lock_timeout !== '0') {
        found.push(
          `connection ${pid}: settings "${settings}", ${prepared} prepared statements, ${locks} advisory locks, ${temporary} temporary tables, lock_timeout ${lock_timeout}`,
        )
      }
    }
    if (seen.size !== POOL_SIZE)
      found.push(`only ${seen.size} of ${POOL_SIZE} pooled connections were looked at`)
    return found
  } finally {
    for (const client of clients) client.release(true)
    await pool.end()
  }
}
