/**
 * What the whole way of an event costs: Posthorn on a store against a bare loop that signs and sends with the same HTTP
 * client and keeps nothing. Same receiver (a process of its own), same bodies, interleaved rounds of one run: only the
 * ratios count. On Postgres also statements and bytes of WAL per delivery.
 *
 * npx tsx bench/end-to-end.ts [deliveries per round] [rounds] [memory | postgres]
 */
import { fork } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import pg from 'pg'
import { Agent, request } from 'undici'
import { startPostgres } from '../test/support/databases/start-postgres.ts'

const CONCURRENCY = 64
const data = { orderId: 'o-1', note: 'x'.repeat(900) }

function receiver(): void {
  const server = createServer((incoming, answer) => {
    incoming.resume()
    incoming.on('end', () => answer.writeHead(204).end())
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => process.send?.(server.address()))
}

/** As published: tsx names every closure as it is made, which costs more than what is measured here. */
async function built() {
  const outdir = fileURLToPath(new URL('../node_modules/.cache/posthorn-bench/', import.meta.url))
  const index = fileURLToPath(new URL('../src/index.ts', import.meta.url))
  const postgres = fileURLToPath(new URL('../src/stores/postgres.ts', import.meta.url))
  const entryPoints = { 'end-to-end': index, postgres }
  await build({ entryPoints, bundle: true, splitting: true, packages: 'external', format: 'esm', outdir })
  const library: typeof import('../src/index.ts') = await import(`${outdir}end-to-end.js`)
  const { postgresStore }: typeof import('../src/stores/postgres.ts') = await import(`${outdir}postgres.js`)
  return { library, postgresStore }
}

/** Deliveries per second of one round. */
type Round = (deliveries: number) => Promise<number>

function bareLoop(url: string): { readonly run: Round; readonly close: () => Promise<void> } {
  const dispatcher = new Agent({ connections: CONCURRENCY, pipelining: 1 })
  const key = Buffer.from('obviously-fake-secret-of-a-bench')

  async function send(index: number): Promise<void> {
    const id = `evt_${index}`
    const now = new Date()
    const timestamp = String(Math.floor(now.getTime() / 1000))
    const body = JSON.stringify({ type: 'order.paid', timestamp: now.toISOString(), data })
    const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    }
    const answer = await request(url, { method: 'POST', headers, body, dispatcher })
    await answer.body.dump()
    if (answer.statusCode !== 204) throw new Error(`status ${answer.statusCode}`)
  }

  async function run(deliveries: number): Promise<number> {
    let next = 0
    const startedAt = performance.now()
    const lanes = Array.from({ length: CONCURRENCY }, async () => {
      while (next < deliveries) await send(next++)
    })
    await Promise.all(lanes)
    return (deliveries / (performance.now() - startedAt)) * 1000
  }
  return { run, close: () => dispatcher.close() }
}

async function posthorn(
  library: typeof import('../src/index.ts'),
  url: string,
  fanOut: number,
  store?: import('../src/store.ts').Store,
): Promise<{ readonly run: Round; readonly close: () => Promise<void> }> {
  let left = 0
  let stray = 0
  let finish = (): void => {}
  const webhooks = library.createWebhooks({
    ...(store === undefined ? {} : { store }),
    allowHttp: true,
    allowCidrs: ['127.0.0.0/8'],
    concurrency: CONCURRENCY,
    concurrencyPerSubscription: CONCURRENCY,
    concurrencyPerOrigin: CONCURRENCY,
    logger: { debug() {}, info() {}, warn() {}, error: (_details, message) => console.error(message) },
    hooks: {
      ended({ state }) {
        if (state !== 'succeeded') stray += 1
        left -= 1
        if (left === 0) finish()
      },
    },
  })
  await webhooks.migrate()
  const tenantId = `tenant-${fanOut}`
  for (let i = 0; i < fanOut; i++) await webhooks.subscriptions.create({ tenantId, url })
  await webhooks.start()

  async function run(deliveries: number): Promise<number> {
    const events = Math.ceil(deliveries / fanOut)
    left = events * fanOut
    const done = new Promise<void>((resolve) => {
      finish = resolve
    })
    const startedAt = performance.now()
    let next = 0
    // Publishers keep a few events ahead of the worker, as a busy application does.
    const publishers = Array.from({ length: CONCURRENCY }, async () => {
      while (next++ < events) await webhooks.publish('order.paid', data, { tenantId })
    })
    await Promise.all(publishers)
    await done
    if (stray > 0) throw new Error(`${stray} deliveries did not succeed`)
    return ((events * fanOut) / (performance.now() - startedAt)) * 1000
  }
  return { run, close: () => webhooks.stop() }
}

/** A Postgres of this run, and what it has done so far. */
async function postgres() {
  const server = await startPostgres({ settings: ['fsync=on', 'max_wal_size=4GB'] })
  const pool = new pg.Pool({ connectionString: server.url, max: 10 })
  let statements = 0
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...given: unknown[]) => unknown
    Object.assign(client, {
      query(...given: unknown[]) {
        statements += 1
        return query(...given)
      },
    })
  })
  async function work(): Promise<{ readonly statements: number; readonly wal: number }> {
    const { rows } = await pool.query("select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text as wal")
    return { statements, wal: Number(rows[0].wal) }
  }
  async function close(): Promise<void> {
    await pool.end()
    await server.stop()
  }
  return { pool, work, close }
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

async function main(): Promise<void> {
  const deliveries = Number(process.argv[2] ?? 5_000)
  const rounds = Number(process.argv[3] ?? 7)
  const child = fork(new URL(import.meta.url), [], { env: { ...process.env, BENCH_RECEIVER: '1' } })
  const { port } = await new Promise<AddressInfo>((resolve) => child.once('message', resolve as never))
  const url = `http://127.0.0.1:${port}/hook`
  const { library, postgresStore } = await built()
  const kind = process.argv[4] ?? 'memory'
  const database = kind === 'postgres' ? await postgres() : null
  const store = (schema: string) =>
    database === null
      ? undefined
      : postgresStore({ client: database.pool as never, schema, namedStatements: true })
  const contestants = [
    { name: 'bare loop, stores nothing', rates: [] as number[], costs: [] as string[], ...bareLoop(url) },
    {
      name: 'posthorn, 1 subscription',
      rates: [] as number[],
      costs: [] as string[],
      ...(await posthorn(library, url, 1, store('one'))),
    },
    {
      name: 'posthorn, 5 subscriptions',
      rates: [] as number[],
      costs: [] as string[],
      ...(await posthorn(library, url, 5, store('five'))),
    },
  ]
  for (const { run } of contestants) await run(deliveries)
  for (let round = 0; round < rounds; round++) {
    for (const { rates, costs, run } of contestants) {
      const before = await database?.work()
      rates.push(await run(deliveries))
      const after = await database?.work()
      if (before === undefined || after === undefined) continue
      const each = (after.statements - before.statements) / deliveries
      costs.push(
        `${each.toFixed(4)} statements, ${((after.wal - before.wal) / deliveries).toFixed(0)} B of WAL`,
      )
    }
  }
  const [bare] = contestants
  console.log(
    `\nend to end, ${kind} store: ${rounds} rounds of ${deliveries} deliveries, concurrency ${CONCURRENCY}`,
  )
  for (const { name, rates, costs } of contestants) {
    const ratio = median(rates.map((rate, round) => rate / (bare?.rates[round] ?? Number.NaN)))
    console.log(
      `${name.padEnd(28)} ${median(rates).toFixed(0).padStart(6)}/s   x${ratio.toFixed(2)}   ${costs.at(-1) ?? ''}`,
    )
  }
  await Promise.all(contestants.map(({ close }) => close()))
  child.kill()
  await database?.close()
}

if (process.env.BENCH_RECEIVER === '1') receiver()
else await main()
