/** Test 18: what statements cost beside a long history: their plans, claims, and the pages of lists. */
import { performance } from 'node:perf_hooks'
import { createSqlStore } from '../../../src/stores/sql/sql-store.ts'
import { compile } from '../../../src/stores/sql/template.ts'
import { type HotStatement, hotStatementsAt, runsOn } from '../../stores/sql/hot-statements.ts'
import {
  mysqlPlanProblems,
  postgresPlanProblems,
  sqlitePlanProblems,
} from '../../stores/sql/plan-problems.ts'
import { type BigPlace, openBigPlace } from '../bench/big-place.ts'
import { BIG_TENANT, filler } from '../bench/fill.ts'
import { quantile } from '../bench/quantile.ts'
import type { Scenario } from '../scenario.ts'
import { noServer } from './under-harm.ts'

const CLAIMS = 300
const LIMIT = 64
const PAGE = 50
const HOUR_US = 3_600_000_000

/** `told` is the part of the history that has its events and attempts, too. Times are judged with full counts alone. */
const FULL = {
  finished: 5_000_000,
  told: 1_000_000,
  scheduled: 1_000_000,
  due: 100_000,
  pages: 1_000,
  tenants: 200,
}
const REDUCED = { finished: 60_000, told: 20_000, scheduled: 20_000, due: 20_000, pages: 100, tenants: 12 }
const CLAIM_MS = 10
const PAGE_MS = 100

export const bigTables: Scenario = {
  number: 18,
  name: 'claims and lists beside millions of rows',
  kinds: ['postgres', 'mysql', 'sqlite'],
  longMinutes: 20,
  async run(bench, kind) {
    const place = await openBigPlace(bench, kind)
    if (place === null) return noServer(kind)
    const store = createSqlStore({ ...place, clock: undefined })
    await store.migrate()
    const { finished, told, scheduled, due, pages, tenants } = bench.full ? FULL : REDUCED
    const now = Math.round((await store.now()) * 1_000)
    const fill = filler(place, tenants)
    const old = { first: 1, count: finished, at: `${now - 48 * HOUR_US} + n` }
    const recent = { ...old, first: finished - told + 1, count: told }
    const later = { first: finished + 1, count: scheduled, at: `${now - HOUR_US}` }
    const ready = { first: finished + scheduled + 1, count: due, at: `${now - HOUR_US} + n` }
    for (const [name, work] of [
      ['deliveries', () => fill.deliveries(old, 'succeeded')],
      ['events', () => fill.events(recent)],
      ['attempts', () => fill.attempts(recent)],
      ['events of scheduled deliveries', () => fill.events(later)],
      ['scheduled deliveries', () => fill.deliveries(later, 'pending')],
      ['their queue rows', () => fill.retries(later, `${now + HOUR_US} + n * 300`)],
      ['due events', () => fill.events(ready)],
      ['their queue rows', () => fill.due(ready)],
      ['statistics', () => place.rows(place.settle)],
    ] as const) {
      await work()
      if (bench.full) bench.say(`  filled: ${name}`)
    }
    await store.open()
    const plans = await planProblems(place, now)

    const took: number[] = []
    for (let turn = 0; turn < (bench.full ? CLAIMS : CLAIMS / 10); turn++) {
      const begun = performance.now()
      const { work } = await store.claim({
        ...{ token: crypto.randomUUID(), leaseMs: 30_000, limit: LIMIT, perTenant: LIMIT / 4 },
        ...{ perSubscription: 10, shares: new Map(), alone: false },
      })
      took.push(performance.now() - begun)
      if (work.length < LIMIT) plans.push(`claim ${turn} found ${work.length} of ${LIMIT} rows`)
      await store.finish(work.map(({ claim }) => claim))
    }

    const pageTook: number[] = []
    let after: { at: number; id: string } | undefined
    for (let number = 1; number <= pages; number++) {
      const begun = performance.now()
      const { rows } = await store.listDeliveries(
        { tenant: BIG_TENANT },
        { limit: PAGE, ...(after === undefined ? {} : { after }) },
      )
      pageTook.push(performance.now() - begun)
      const last = rows.at(-1)
      if (last === undefined || rows.length < PAGE) plans.push(`page ${number} has ${rows.length} rows`)
      else after = { at: last.createdAt, id: last.id }
    }
    await store.close()
    const p95 = quantile(took, 0.95)
    const [first, last] = [pageTook[0] ?? 0, quantile(pageTook.slice(-9), 0.5)]
    const rounded = (ms: number) => Number(ms.toFixed(1))
    return {
      problems: [
        ...plans,
        ...(bench.full && p95 > CLAIM_MS ? [`claims took ${rounded(p95)} ms at p95, not ${CLAIM_MS}`] : []),
        ...(bench.full && Math.max(first, last) > PAGE_MS
          ? [`page 1 took ${rounded(first)} ms, page ${pages} ${rounded(last)} ms, not ${PAGE_MS}`]
          : []),
      ],
      figures: {
        ...{ finished, scheduled, due },
        'claim p50 ms': rounded(quantile(took, 0.5)),
        'claim p95 ms': rounded(p95),
        'page 1 ms': rounded(first),
        [`page ${pages} ms`]: rounded(last),
      },
    }
  },
}

/** How this database would run the hot statements, now that there is something to read. */
async function planProblems(place: BigPlace, now: number): Promise<string[]> {
  const { dialect, table, kind } = place
  const problems: string[] = []
  for (const hot of hotStatementsAt(now).filter(runsOn(dialect))) {
    const text = typeof hot.template === 'string' ? hot.template : hot.template(dialect)
    const { sql, bind } = compile(text, dialect, table, true)
    const parameters = bind(hot.values) as readonly (string | number | null)[]
    const found = await explained(place, kind, hot, sql, parameters)
    problems.push(...found.map((line) => `${hot.name}: ${line.trim()}`))
  }
  return problems
}

async function explained(
  { rows }: BigPlace,
  kind: BigPlace['kind'],
  hot: HotStatement,
  sql: string,
  parameters: readonly (string | number | null)[],
): Promise<readonly string[]> {
  if (kind === 'postgres')
    return postgresPlanProblems(await rows(`explain (costs off) ${sql}`, parameters), hot)
  if (kind === 'mysql') return mysqlPlanProblems(await rows(`explain ${sql}`, parameters), hot)
  return sqlitePlanProblems(await rows(`explain query plan ${sql}`, parameters), hot, sql)
}
