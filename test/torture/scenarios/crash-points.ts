/** Test 2: a worker that dies at a named point of its one delivery; another one finishes it. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { openStore, type StorePlace } from '../../../src/cli/open-store.ts'
import { createWebhooks } from '../../../src/index.ts'
import { quietLogger } from '../../support/setup.ts'
import type { Bench, Scenario } from '../scenario.ts'
import { noServer } from './under-harm.ts'

/** What is answered to the request in which the worker is killed. */
type Moment = 'request line' | 'body' | 'headers' | 'answer'

interface Point {
  readonly name: string
  /** Where in the worker: around a call of its store or transport. */
  readonly point?: string
  /** Where in the receiver: it tells the worker to die then. */
  readonly moment?: Moment
  /** Status of the first answer. */
  readonly status?: number
  /** Requests that were answered, in all: 1, or 2 where the answer to the first was lost with the worker. */
  readonly answered: number
}

const POINTS: readonly Point[] = [
  { name: 'before the claim', point: 'before claim', answered: 1 },
  { name: 'after the claim', point: 'after claim', answered: 1 },
  { name: 'before the fan-out', point: 'before snapshot', answered: 1 },
  { name: 'before connecting', point: 'before send', answered: 1 },
  { name: 'after the request line', moment: 'request line', answered: 1 },
  { name: 'after the whole body was sent', moment: 'body', answered: 1 },
  { name: 'after the response headers', moment: 'headers', answered: 2 },
  { name: 'after the response', point: 'after send', answered: 2 },
  { name: 'before the outcome is stored', point: 'before record', answered: 2 },
  { name: 'after the outcome is stored', point: 'after record', answered: 1 },
  { name: 'before a retry is scheduled', point: 'before record', status: 500, answered: 2 },
  { name: 'after a retry is scheduled', point: 'after record', status: 500, answered: 2 },
  {
    name: 'inside the disabling of an endpoint',
    point: 'before updateSubscription',
    status: 410,
    answered: 1,
  },
  { name: 'after the disabling of an endpoint', point: 'after updateSubscription', status: 410, answered: 1 },
]

const TIMEOUT_MS = 2_000
const PATIENCE_MS = 30_000
const AT_A_TIME = 7

export const crashPoints: Scenario = {
  number: 2,
  name: 'named crash points',
  kinds: ['postgres', 'sqlite', 'mysql'],
  async run(bench, kind) {
    const problems: string[] = []
    let lost = 0
    let duplicated = 0
    const seeds = bench.full ? 20 : 1
    const runs = Array.from({ length: seeds }, () => POINTS).flat()
    for (let done = 0; done < runs.length; done += AT_A_TIME) {
      const found = await Promise.all(
        runs
          .slice(done, done + AT_A_TIME)
          .map(async (point) => onePoint(bench, point, await bench.place(kind))),
      )
      for (const one of found) {
        if (one === null) return noServer(kind)
        duplicated += Math.max(0, one.answered - 1)
        if (one.answered === 0) lost += 1
        problems.push(...one.problems)
      }
      if (bench.full) bench.say(`  ${Math.min(runs.length, done + AT_A_TIME)} of ${runs.length} runs`)
    }
    return { problems, figures: { lost, duplicated, recovered: 0, unexpected: 0, runs: runs.length } }
  },
}

async function onePoint(bench: Bench, point: Point, place: StorePlace | null) {
  if (place === null) return null
  const opened = await openStore(place)
  bench.after(() => opened.close())
  const options = { allowHttp: true, allowCidrs: ['127.0.0.0/8'], logger: quietLogger }
  const webhooks = createWebhooks({ store: opened.store, ...options })
  bench.after(() => webhooks.stop())
  await webhooks.migrate()

  let answered = 0
  let died = false
  let kill = (): void => {}
  const server = createServer((request, response) => {
    const first = !died && answered === 0
    const answer = () => {
      if (response.socket?.destroyed !== false) return
      answered += 1
      response.writeHead(first ? (point.status ?? 204) : 204).end()
    }
    if (!first || point.moment === undefined) return void request.resume().on('end', answer)
    if (point.moment === 'request line') return kill()
    request.resume().on('end', () => {
      if (point.moment === 'headers') {
        answered += 1
        response.writeHead(200, { 'content-length': '2' }).write('o')
      }
      kill()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  bench.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  await webhooks.subscriptions.create({ tenantId: 'acme', url: `http://127.0.0.1:${port}/` })
  await webhooks.publish('crash.point', { text: 'x'.repeat(200) }, { tenantId: 'acme' })

  const start = (where: string) => {
    const child = fork(bench.programs.probe, ['crash-worker'], {
      env: { ...process.env, CRASH: JSON.stringify({ place, point: where, timeoutMs: TIMEOUT_MS }) },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    bench.after(() => child.kill('SIGKILL'))
    return child
  }
  const victim = start(point.point ?? 'never')
  kill = () => void victim.kill('SIGKILL')
  died = await Promise.race([
    once(victim, 'exit').then(([, signal]) => signal === 'SIGKILL'),
    pause(PATIENCE_MS, false, { ref: false }),
  ])
  start('never')
  let state = 'missing'
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; ) {
    const { items } = await webhooks.deliveries.list({ tenantId: 'acme' })
    state = items[0]?.state ?? 'missing'
    if (!['missing', 'pending'].includes(state)) break
    await pause(50)
  }
  const wanted = point.status === 410 ? 'failed' : 'succeeded'
  return {
    answered,
    problems: [
      ...(died ? [] : [`${point.name}: the worker never came there`]),
      ...(answered === point.answered
        ? []
        : [`${point.name}: answered ${answered} times, not ${point.answered}`]),
      ...(state === wanted ? [] : [`${point.name}: the delivery is ${state}, not ${wanted}`]),
    ],
  }
}
