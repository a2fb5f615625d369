/** Tests 3 and 7: callers that are killed in their transactions, and an event that kills every worker. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { openStore, type StorePlace } from '../../../src/cli/open-store.ts'
import { createWebhooks } from '../../../src/index.ts'
import { temporaryFolder } from '../../support/databases/server.ts'
import { quietLogger } from '../../support/setup.ts'
import { AT_ONCE } from '../processes/emitter.ts'
import type { Bench, Findings, Kind, Scenario } from '../scenario.ts'
import { joined } from './joined.ts'
import { noServer } from './under-harm.ts'

const PATIENCE_MS = 60_000

/** Counts the requests for each event's own number. */
export async function startReceiver(bench: Bench) {
  const received = new Map<number, number>()
  let newest = -1
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      const { id } = JSON.parse(body).data
      received.set(id, (received.get(id) ?? 0) + 1)
      newest = Math.max(newest, id)
      response.writeHead(204).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  bench.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return { received, newest: () => newest, url }
}

/** A sender over the database, with one subscription of a receiver that counts. */
async function openSender(bench: Bench, place: Parameters<typeof openStore>[0]) {
  const opened = await openStore(place)
  bench.after(() => opened.close())
  const options = { allowHttp: true, allowCidrs: ['127.0.0.0/8'], logger: quietLogger }
  const webhooks = createWebhooks({ store: opened.store, ...options })
  bench.after(() => webhooks.stop())
  await webhooks.migrate()
  const { received, url } = await startReceiver(bench)
  await webhooks.subscriptions.create({ tenantId: 'acme', url })
  return { opened, webhooks, received }
}

/**
 * How many transactions of callers are open; SQLite rolls back those of a killed process when the next one opens the file. MariaDB
 * renews what it tells only when nobody has asked for 100 ms.
 */
const OPEN: Readonly<Partial<Record<Kind, string>>> = {
  postgres: `select count(*)::int as n from pg_stat_activity where datname = current_database() and state like 'idle in%'`,
  mysql: `select count(*) as n from information_schema.innodb_trx join information_schema.processlist on id = trx_mysql_thread_id where db = database()`,
}

/** Share of the transactions that a kill must hit, wherever many can be open: the list says a fifth. */
const HIT = 0.15

export const transactionalEmit: Scenario = {
  number: 3,
  name: 'emit in transactions that roll back and callers that are killed',
  kinds: ['postgres', 'mysql', 'sqlite'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const folder = await temporaryFolder('emit')
    bench.after(folder.remove)
    const ledger = `${folder.path}/committed`
    const { opened, webhooks, received } = await openSender(bench, place)
    await opened.query('create table orders (id int primary key, done bool not null default false)')
    await webhooks.start()

    const rounds = bench.full ? 50 : 3
    let deadlocks = 0
    let hit = 0
    const each = 100
    for (let round = 0; round < rounds; round++) {
      const emitter = fork(bench.programs.probe, ['emitter'], {
        env: {
          ...process.env,
          EMIT: JSON.stringify({ kind, url: place.url, from: round * each, count: each, ledger }),
        },
        execArgv: [],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      bench.after(() => emitter.kill('SIGKILL'))
      let seen = 0
      emitter.on('message', (message) => {
        if (message === 'deadlock') deadlocks += 1
        else seen += 1
        if (seen === Math.floor(each * 0.76)) emitter.kill('SIGKILL')
      })
      await once(emitter, 'exit')
      hit += Math.min(each - seen, kind === 'sqlite' ? 1 : AT_ONCE)
    }
    // The server has noticed that a caller is gone when nothing of it is open any more.
    const open = OPEN[kind]
    for (const until = Date.now() + PATIENCE_MS; open !== undefined && Date.now() < until; await pause(250)) {
      if (Number((await opened.query(open))[0]?.n) === 0) break
    }
    const rows = await opened.query('select id, done from orders')
    const committed = new Set(rows.map(({ id }) => Number(id)))
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await pause(50)) {
      if ([...committed].every((id) => received.has(id))) break
    }
    await webhooks.drain()
    const believed = (await readFile(ledger, 'utf8'))
      .split('\n')
      .filter((line) => line !== '')
      .map(Number)
    const lost = [...committed].filter((id) => !received.has(id)).length
    const unexpected = [...received.keys()].filter((id) => !committed.has(id)).length
    const broken =
      rows.filter(({ done }) => !done).length + believed.filter((id) => !committed.has(id)).length
    const duplicated = [...received.values()].filter((times) => times > 1).length
    return {
      problems: Object.entries({ lost, unexpected, broken, duplicated })
        .filter(([, count]) => count > 0)
        .map(([name, count]) => `${name} ${count}`)
        .concat(kind !== 'sqlite' && hit < HIT * rounds * each ? [`only ${hit} were hit by kills`] : []),
      figures: {
        lost,
        duplicated,
        'hit by kills': hit,
        recovered: committed.size - believed.length,
        unexpected,
        transactions: rounds * each,
        committed: committed.size,
        deadlocks,
      },
    }
  },
}

/** Two claims in company and five alone, by the contract; the list of tests says six. */
const MAX_RESTARTS = 7

export const poison: Scenario = {
  number: 7,
  name: 'poison that kills the process',
  kinds: ['postgres', 'sqlite'],
  async run(bench, kind) {
    const parts = []
    for (let round = 1; round <= (bench.full ? 10 : 1); round++) {
      const place = await bench.place(kind)
      if (place === null) return noServer(kind)
      const name = `round ${round}`
      parts.push({ name, found: await bench.part(name, () => poisonOnce(bench, place)) })
    }
    return joined(parts)
  },
}

async function poisonOnce(bench: Bench, place: StorePlace): Promise<Findings> {
  const { opened, webhooks, received } = await openSender(bench, place)
  const good = bench.full ? 5_000 : 200
  for (let id = 0; id < good; id += 100) {
    const batch = Array.from({ length: 100 }, (_, index) => ({
      type: 'good',
      data: { id: id + index },
      tenantId: 'acme',
    }))
    await webhooks.publishMany(batch)
    if (id === 0) await webhooks.publish('poison', { id: -1 }, { tenantId: 'acme' })
  }
  let restarts = 0
  let ended = false
  const supervise = (): void => {
    const worker = fork(bench.programs.probe, ['poisoned'], {
      env: { ...process.env, POISON: JSON.stringify({ place, timeoutMs: 500 }) },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    bench.after(() => worker.kill('SIGKILL'))
    worker.on('exit', () => {
      if (ended) return
      restarts += 1
      supervise()
    })
  }
  supervise()
  const count = async (filter: object) =>
    (await opened.store.listDeliveries(filter as never, { limit: 1, total: true })).total ?? 0
  const tenant = 'acme'
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await pause(100)) {
    const [done, failed] = [
      await count({ tenant, state: 'succeeded' }),
      await count({ tenant, state: 'failed' }),
    ]
    if (done === good && failed === 1) break
  }
  ended = true
  const { rows } = await opened.store.listDeliveries({ tenant, state: 'failed' } as never, { limit: 10 })
  const quarantined = rows.filter(
    ({ reason, eventType }) => reason === 'quarantined' && eventType === 'poison',
  ).length
  const lost = good - received.size
  const problems = [
    ...(lost === 0 ? [] : [`lost ${lost}`]),
    ...(quarantined === 1 && rows.length === 1
      ? []
      : [`${rows.length} set aside, ${quarantined} of them the poison`]),
    ...(restarts <= MAX_RESTARTS ? [] : [`${restarts} restarts`]),
  ]
  const duplicated = [...received.values()].filter((times) => times > 1).length
  return {
    problems,
    figures: { lost, duplicated, recovered: 0, unexpected: 0, neighbours: good, restarts },
  }
}
