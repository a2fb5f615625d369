/**
 * Test 58: names that lead somewhere else each time they are asked for, over a name server of the scenario's own with a time to live
 * of 0. A worker delivers to them with retries; nobody may knock at the address that is not allowed.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { openStore } from '../../../src/cli/open-store.ts'
import { schedule } from '../../../src/delivery/backoff.ts'
import { createWebhooks } from '../../../src/index.ts'
import type { Transport } from '../../../src/transport.ts'
import { kyTransport } from '../../../src/transports/ky.ts'
import { undiciTransport } from '../../../src/transports/undici.ts'
import { nameServer } from '../../support/name-server.ts'
import { quietLogger } from '../../support/setup.ts'
import type { Bench, Findings, Kind, Scenario } from '../scenario.ts'
import { nonzero } from '../stage/verdict.ts'
import { noServer } from './under-harm.ts'

const GOOD = '127.0.0.1'
const BAD = '127.0.0.9'
/** What a name says in turn. One answer that is not allowed must keep a request back, wherever it stands. */
const ANSWERS = [[GOOD], [BAD], [GOOD, BAD], [BAD, GOOD]]
/** Longer than an answer is remembered, so that each attempt asks anew. */
const RETRY_MS = 5_500
const RETRIES = 8
/** The retries of thousands are due at once, and receiver, name server and worker share this process. */
const CONCURRENCY = 100
const PATIENCE_MS = 300_000

const transports: Readonly<Record<string, (nameServers: readonly string[]) => Transport>> = {
  undici: (nameServers) => undiciTransport({ nameServers }),
  ky: (nameServers) => kyTransport({ nameServers }),
}

/** A receiver on the good address, and on the bad one, at the same port, somebody who counts who knocks. */
async function addresses(bench: Bench) {
  let requests = 0
  let knocks = 0
  const good = createServer((request, response) => {
    requests += 1
    request.resume()
    response.writeHead(204).end()
  })
  const bad = createTcpServer((socket) => {
    knocks += 1
    socket.destroy()
  })
  const listen = async (server: Server, port: number, address: string) => {
    server.listen(port, address)
    await once(server, 'listening')
    bench.after(() => server.close())
  }
  await listen(good, 0, GOOD)
  const { port } = good.address() as AddressInfo
  await listen(bad, port, BAD)
  bench.after(() => good.closeAllConnections())
  // It does hear who comes.
  const visitor = connect(port, BAD).on('error', () => {})
  await once(visitor, 'close')
  const before = knocks
  return { port, before, requests: () => requests, knocks: () => knocks - before }
}

async function rebind(bench: Bench, kind: Kind, name: string, deliveries: number): Promise<Findings | null> {
  const place = await bench.place(kind)
  const transport = transports[name]
  if (place === null || transport === undefined) return null
  const receivers = await addresses(bench)
  const turns = new Map<string, number>()
  const server = await nameServer((host, type) => {
    if (type !== 1) return []
    const turn = turns.get(host) ?? Number(/\d+/.exec(host)?.[0])
    turns.set(host, turn + 1)
    return ANSWERS[turn % ANSWERS.length] ?? []
  })
  bench.after(() => server.close())
  const opened = await openStore(place)
  bench.after(() => opened.close())
  const failures = new Map<string, number>()
  let [attempts, ended, failed] = [0, 0, 0]
  const webhooks = createWebhooks({
    ...{ store: opened.store, transport: transport([server.address]), logger: quietLogger },
    ...{ allowHttp: true, allowCidrs: [`${GOOD}/32`], concurrency: CONCURRENCY },
    retry: schedule(Array(RETRIES).fill(RETRY_MS), { jitter: 0 }),
    hooks: {
      attempted({ attempt: { failure } }) {
        attempts += 1
        if (failure !== null) failures.set(failure, (failures.get(failure) ?? 0) + 1)
      },
      ended({ state }) {
        ended += 1
        if (state !== 'succeeded') failed += 1
      },
    },
  })
  bench.after(() => webhooks.stop())
  await webhooks.migrate()
  await webhooks.start()
  for (let n = 0; n < deliveries; n++) {
    const url = `http://flip-${n}.example.com:${receivers.port}/`
    await webhooks.publish('name.flipped', { n }, { tenantId: 'acme', to: { url } })
  }
  const giveUpAt = performance.now() + PATIENCE_MS
  while (ended < deliveries && performance.now() < giveUpAt) await pause(100)

  const blocked = failures.get('blocked') ?? 0
  const others = [...failures].filter(([code]) => code !== 'blocked')
  return {
    problems: [
      ...nonzero({
        'knocks at the address that is not allowed': receivers.knocks(),
        'not ended': deliveries - ended,
        'not delivered': failed,
        'requests that are too many or too few': receivers.requests() - deliveries,
        'attempts without a look-up of their own': Math.max(0, attempts - server.asked.length),
      }),
      ...(receivers.before > 0 ? [] : ['the address that is not allowed hears nobody']),
      ...others.map(([code, times]) => `${times} attempts failed with ${code}`),
      // Three of four answers lead where nobody may go.
      ...(blocked >= deliveries ? [] : [`only ${blocked} attempts were blocked`]),
    ].map((problem) => `${name}: ${problem}`),
    figures: { [`${name} attempts`]: attempts, [`${name} blocked`]: blocked, knocks: receivers.knocks() },
  }
}

export const rebinding: Scenario = {
  number: 58,
  name: 'live rebinding',
  kinds: ['sqlite'],
  longMinutes: 3,
  async run(bench, kind) {
    const findings: Findings[] = []
    for (const name of Object.keys(transports)) {
      const found = await rebind(bench, kind, name, bench.full ? 5_000 : 200)
      if (found === null) return noServer(kind)
      findings.push(found)
    }
    return {
      problems: findings.flatMap(({ problems }) => problems),
      figures: Object.assign({}, ...findings.map(({ figures }) => figures)),
    }
  },
}
