/** Test 79: a sender that has stopped leaves nothing behind, however often; and two in one process do not disturb each other. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { openStore } from '../../../src/cli/open-store.ts'
import { type Clock, systemClock } from '../../../src/clock.ts'
import { createWebhooks, type Webhooks } from '../../../src/index.ts'
import { quietLogger } from '../../support/setup.ts'
import type { Bench, Scenario } from '../scenario.ts'
import { noServer } from './under-harm.ts'

const TENANT = { tenantId: 'acme' }
const PATIENCE_MS = 20_000
/** Connections of senders that have stopped: one or two may still be closing. */
const MANY = 5

/** The machine's clock, and how many of its timers are neither over nor cancelled. */
function countingClock() {
  const open = new Set<object>()
  const clock: Clock = {
    ...systemClock,
    setTimer(fire, delayMs, options) {
      const one = {}
      open.add(one)
      const timer = systemClock.setTimer(
        () => {
          open.delete(one)
          fire()
        },
        delayMs,
        options,
      )
      return {
        cancel() {
          open.delete(one)
          timer.cancel()
        },
      }
    },
  }
  return { clock, open }
}

/** Counts answers, and holds those that it is told to until `let go`. */
async function startReceiver(bench: Bench) {
  const state = { answered: 0, arrived: 0, held: [] as (() => void)[], holds: false }
  const server = createServer((request, response) => {
    state.arrived += 1
    request.resume().on('end', () => {
      const answer = () => {
        state.answered += 1
        response.writeHead(204).end()
      }
      if (state.holds) state.held.push(answer)
      else answer()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  bench.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const connections = () =>
    new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)))
  return { state, connections, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

async function until(isSo: () => Promise<boolean> | boolean): Promise<boolean> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await pause(2)) if (await isSo()) return true
  return false
}

const EVENTS = [
  'exit',
  'beforeExit',
  'SIGTERM',
  'SIGINT',
  'uncaughtException',
  'unhandledRejection',
  'warning',
]

/** What keeps the process going, and who listens to it. */
function left(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  for (const event of EVENTS) counts[`listeners of ${event}`] = process.listenerCount(event)
  return counts
}

const more = (now: Record<string, number>, before: Record<string, number>): string[] =>
  Object.entries(now).flatMap(([name, count]) =>
    count > (before[name] ?? 0) ? [`${name}: ${count}, ${before[name] ?? 0} before`] : [],
  )

export const stops: Scenario = {
  number: 79,
  name: 'stops leave nothing behind',
  kinds: ['postgres', 'mysql', 'sqlite'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const opened = await openStore(place)
    bench.after(() => opened.close())
    const { clock, open } = countingClock()
    const receiver = await startReceiver(bench)
    const warnings: string[] = []
    const warn = (warning: Error) => void warnings.push(warning.message)
    process.on('warning', warn)
    bench.after(() => process.off('warning', warn))
    const make = (): Webhooks => {
      const network = { allowHttp: true, allowCidrs: ['127.0.0.0/8'] }
      return createWebhooks({ store: opened.store, clock, logger: quietLogger, ...network })
    }
    const first = make()
    await first.migrate()
    await first.subscriptions.create({ ...TENANT, url: receiver.url })

    /** Started, one delivery, stopped; started again and stopped at once. */
    async function cycle(): Promise<boolean> {
      const webhooks = make()
      const wanted = receiver.state.answered + 1
      await webhooks.start()
      await webhooks.publish('one', {}, TENANT)
      const delivered = await until(() => receiver.state.answered >= wanted)
      await webhooks.stop()
      await webhooks.start()
      await webhooks.stop()
      return delivered
    }

    await cycle()
    await until(async () => (await receiver.connections()) === 0)
    const before = left()
    const times = bench.full ? 1_000 : 30
    let undelivered = 0
    let mostOpen = 0
    for (let done = 0; done < times; done++) {
      if (!(await cycle())) undelivered += 1
      mostOpen = Math.max(mostOpen, await receiver.connections())
      if (bench.full && done % 100 === 99) bench.say(`  ${done + 1} of ${times} stops`)
    }
    const closed = await until(async () => (await receiver.connections()) === 0)
    await until(() => more(left(), before).length === 0)
    const remains = more(left(), before)
    const timers = open.size
    const undisturbed = await neighbours(bench, make, receiver)
    const problems = [
      ...(undelivered === 0 ? [] : [`lost ${undelivered}`]),
      ...(closed && mostOpen < MANY ? [] : [`up to ${mostOpen} connections were open after a stop`]),
      ...remains,
      ...(timers === 0 ? [] : [`${timers} timers are set`]),
      ...warnings,
      ...undisturbed,
    ]
    return { problems, figures: { lost: undelivered, stops: 2 * times, timers, warnings: warnings.length } }
  },
}

/** Two senders over one store: what is in flight in one ends as it would when the other stops, and it goes on. */
async function neighbours(
  bench: Bench,
  make: () => Webhooks,
  { state }: Awaited<ReturnType<typeof startReceiver>>,
): Promise<string[]> {
  const [one, other] = [make(), make()]
  bench.after(() => Promise.all([one.stop(), other.stop()]))
  const arrived = state.arrived
  state.holds = true
  await other.start()
  await other.publish('in.flight', {}, TENANT)
  await until(() => state.arrived > arrived)
  await one.start()
  await one.stop()
  state.holds = false
  for (const answer of state.held.splice(0)) answer()
  const answered = state.answered
  await other.publish('after', {}, TENANT)
  const goesOn = await until(() => state.answered > answered)
  await other.stop()
  const requests = state.arrived - arrived
  const { items } = await make().deliveries.list({ ...TENANT, limit: 2 })
  return [
    ...(goesOn ? [] : ['a sender does nothing any more once another one has stopped']),
    ...(requests === 2 ? [] : [`${requests} requests for two events beside a stop`]),
    ...(items.every(({ state }) => state === 'succeeded')
      ? []
      : ['a delivery beside a stop has not succeeded']),
  ]
}
