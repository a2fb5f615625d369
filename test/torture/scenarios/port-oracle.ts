/**
 * Test 63: whether a port of the host's own network is open, closed or filtered cannot be told from what is refused at the door, nor from
 * the attempts at rows that were written past it, whether they name the address or a name that leads to it.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { openStore } from '../../../src/cli/open-store.ts'
import type { Lookup } from '../../../src/dns/bounded-calls.ts'
import { createWebhooks, PosthornError, type Webhooks } from '../../../src/index.ts'
import type { Transport } from '../../../src/transport.ts'
import { kyTransport } from '../../../src/transports/ky.ts'
import { undiciTransport } from '../../../src/transports/undici.ts'
import { quietLogger } from '../../support/setup.ts'
import type { Bench, Findings, Kind, Scenario } from '../scenario.ts'
import { noServer } from './under-harm.ts'

const MAX_DIFFERENCE_MS = 20
/** An address that is set aside for documentation: what is sent there is dropped. */
const FILTERED = '192.0.2.1'
const PORTS = ['open', 'closed', 'filtered'] as const

type PortKind = (typeof PORTS)[number]
type Hosts = Readonly<Record<PortKind, string>>

/** What a tenant saw of one try, without what it wrote itself, and how long that took. */
interface Seen {
  readonly words: string
  readonly ms: Readonly<Record<string, number>>
}

/** One way to make the sender touch a port. */
interface Way {
  readonly name: string
  /** What every answer of it begins with. */
  readonly says: string
  touch(port: PortKind): Promise<Seen>
}

/** A server that counts who knocks, and a port on which nobody listens any more. */
async function ports(bench: Bench) {
  const [open, closed] = [createServer(), createServer()]
  let knocks = 0
  open.on('connection', (socket) => {
    knocks += 1
    socket.destroy()
  })
  const portOf = async (server: Server) => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const numbers = { open: await portOf(open), closed: await portOf(closed) }
  closed.close()
  bench.after(() => open.close())
  return { ...numbers, knocks: () => knocks }
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

/** Names that lead to the three ports, whoever asks. */
const inside: Lookup = (hostname, _options, callback) => {
  const address = hostname.startsWith('filtered') ? FILTERED : '127.0.0.1'
  callback(null, [{ address, family: 4 }])
}

const transports: Readonly<Record<string, (lookup: Lookup) => Transport>> = {
  undici: (lookup) => undiciTransport({ lookup }),
  ky: (lookup) => kyTransport({ lookup }),
}

/** What a call was refused with. */
async function refusal(call: () => Promise<unknown>, host: string): Promise<Seen> {
  const begun = performance.now()
  const refused = await call().then(
    () => null,
    (error: unknown) => error,
  )
  const ms = { call: performance.now() - begun }
  const words = refused instanceof PosthornError ? `${refused.code} ${refused.message}` : String(refused)
  return { words: words.replaceAll(host, '').replaceAll(host.split(':')[0] ?? '', ''), ms }
}

/** Sends what is due, and looks at the attempts of this delivery as its tenant does. */
async function attemptAt(webhooks: Webhooks, deliveryId: string): Promise<Seen> {
  const begun = performance.now()
  await webhooks.drain()
  const wait = performance.now() - begun
  const { items } = await webhooks.attempts.list({ tenantId: 'acme', deliveryId })
  const delivery = await webhooks.deliveries.get(deliveryId, { tenantId: 'acme' })
  const words = items.map(({ failure, message, outcome, status, excerpt, mayHaveBeenReceived }) =>
    [failure, message, outcome, status, excerpt, mayHaveBeenReceived].join(' '),
  )
  const state = [delivery.state, delivery.reason, delivery.attemptCount].join(' ')
  return {
    words: [...words, state].join(' | '),
    ms: { wait, duration: items[0]?.durationMs ?? Number.POSITIVE_INFINITY },
  }
}

const AT_THE_DOOR = 'INVALID_URL url leads to an address that is not public'
const IN_ATTEMPTS = 'blocked The target of this request is not allowed. failed   false | failed exhausted 1'

/** The sender with one transport, a subscription for each port, by address and by name, and every way to have a port touched. */
async function ways(
  bench: Bench,
  kind: Kind,
  name: string,
  numbers: Readonly<Record<'open' | 'closed', number>>,
  allowed: readonly string[] = [],
) {
  const place = await bench.place(kind)
  if (place === null) return null
  const opened = await openStore(place)
  bench.after(() => opened.close())
  const transport = transports[name]?.(inside)
  if (transport === undefined) throw new Error(`no transport ${name}`)
  const webhooks: Webhooks = createWebhooks({
    ...{ store: opened.store, transport, allowHttp: true, allowCidrs: allowed, logger: quietLogger },
    ...{ retry: { delaysMs: [], jitter: 0 }, breaker: false, disableAfter: false },
  })
  bench.after(() => webhooks.stop())
  await webhooks.migrate()
  const literals: Hosts = {
    open: `127.0.0.1:${numbers.open}`,
    closed: `127.0.0.1:${numbers.closed}`,
    filtered: `${FILTERED}:80`,
  }
  const names: Hosts = {
    open: `open.example:${numbers.open}`,
    closed: `closed.example:${numbers.closed}`,
    filtered: 'filtered.example:80',
  }

  /** Subscriptions whose URL was written past the door. */
  async function past(hosts: Hosts): Promise<Readonly<Record<PortKind, string>>> {
    const ids = { open: '', closed: '', filtered: '' }
    for (const port of PORTS) {
      const input = { tenantId: 'acme', url: 'https://receiver.example/', events: [`${port}.*`] }
      const { subscription } = await webhooks.subscriptions.create(input)
      await opened.query(
        `update posthorn_subscriptions set url = 'http://${hosts[port]}/' where id = '${subscription.id}'`,
      )
      ids[port] = subscription.id
    }
    return ids
  }
  const byAddress = await past(literals)
  const byName = await past(names)
  const spare = await webhooks.subscriptions.create({
    ...{ tenantId: 'acme', url: 'https://spare.example/', events: ['spare.*'] },
  })

  const atTheDoor = (what: string, call: (url: string) => Promise<unknown>): Way => ({
    name: what,
    says: AT_THE_DOOR,
    touch: (port) => refusal(() => call(`http://${literals[port]}/`), literals[port]),
  })
  const testOf = (what: string, ids: Readonly<Record<PortKind, string>>): Way => ({
    name: `test, ${what}`,
    says: IN_ATTEMPTS,
    async touch(port) {
      const { deliveryId } = await webhooks.subscriptions.test(ids[port], { tenantId: 'acme' })
      return attemptAt(webhooks, deliveryId)
    },
  })
  const published: Way = {
    name: 'publish, by address and by name',
    says: IN_ATTEMPTS,
    async touch(port) {
      const { id: eventId } = await webhooks.publish(`${port}.event`, {}, { tenantId: 'acme' })
      const begun = performance.now()
      await webhooks.drain()
      const wait = performance.now() - begun
      const { items } = await webhooks.deliveries.list({ tenantId: 'acme', eventId })
      const seen = await Promise.all(items.map(({ id }) => attemptAt(webhooks, id)))
      const [one, other] = [byAddress, byName].map((ids) => {
        const at = items.findIndex(({ subscriptionId }) => subscriptionId === ids[port])
        return seen[at]
      })
      return {
        words: one?.words === other?.words ? (one?.words ?? 'nothing') : `${one?.words} / ${other?.words}`,
        ms: { wait, 'by address': one?.ms.duration ?? Infinity, 'by name': other?.ms.duration ?? Infinity },
      }
    },
  }
  return [
    atTheDoor('create', (url) => webhooks.subscriptions.create({ tenantId: 'acme', url })),
    atTheDoor('update', (url) =>
      webhooks.subscriptions.update(spare.subscription.id, { url }, { tenantId: 'acme' }),
    ),
    testOf('by address', byAddress),
    testOf('by name', byName),
    published,
  ]
}

/** Every way, so many times, at the three ports in turn. */
async function judge(
  { name, says, touch }: Way,
  turns: number,
): Promise<Findings & { readonly apart: number }> {
  const took = new Map<string, Map<PortKind, number[]>>()
  const said = new Set<string>()
  for (let turn = 0; turn < turns; turn++) {
    for (const port of PORTS) {
      const { words, ms } = await touch(port)
      said.add(words)
      for (const [measure, value] of Object.entries(ms)) {
        const known = took.get(measure) ?? new Map<PortKind, number[]>(PORTS.map((each) => [each, []]))
        took.set(measure, known)
        known.get(port)?.push(value)
      }
    }
  }
  const differences = [...took].map(([measure, byPort]) => {
    const medians = [...byPort.values()].map(median)
    return { measure, apart: Math.max(...medians) - Math.min(...medians) }
  })
  return {
    problems: [
      ...([...said].every((words) => words.startsWith(says))
        ? []
        : [`${name}: says ${[...said].join(' || ')}`]),
      ...(said.size === 1 ? [] : [`${name}: says ${said.size} things: ${[...said].join(' || ')}`]),
      ...differences
        .filter(({ apart }) => !(apart < MAX_DIFFERENCE_MS))
        .map(({ measure, apart }) => `${name}: medians of ${measure} lie ${apart.toFixed(1)} ms apart`),
    ],
    figures: {},
    apart: Math.max(...differences.map(({ apart }) => apart)),
  }
}

/** Where the addresses are allowed, open and closed are told apart and somebody knocks: what is looked at would show it. */
async function control(
  bench: Bench,
  kind: Kind,
  numbers: Readonly<Record<'open' | 'closed', number>>,
  knocks: () => number,
): Promise<string[]> {
  const problems: string[] = []
  for (const name of Object.keys(transports)) {
    const before = knocks()
    const all = await ways(bench, kind, name, numbers, ['127.0.0.0/8'])
    for (const { name: way, says, touch } of all ?? []) {
      if (says !== IN_ATTEMPTS) continue
      const [open, closed] = [await touch('open'), await touch('closed')]
      if (open.words === closed.words) problems.push(`${name}: ${way} would not show an open port`)
    }
    if (knocks() === before) problems.push(`${name}: nobody would be seen to knock`)
  }
  return problems
}

export const portOracle: Scenario = {
  number: 63,
  name: 'no oracle of ports',
  kinds: ['sqlite'],
  longMinutes: 3,
  async run(bench, kind) {
    const { knocks, ...numbers } = await ports(bench)
    const problems: string[] = []
    const figures: Record<string, number> = {}
    for (const name of Object.keys(transports)) {
      const all = await ways(bench, kind, name, numbers)
      if (all === null) return noServer(kind)
      for (const way of all) {
        const found = await judge(way, bench.full ? 200 : 20)
        problems.push(...found.problems.map((problem) => `${name}: ${problem}`))
        figures[`${name}, ${way.name}: ms apart`] = Number(found.apart.toFixed(2))
      }
    }
    if (knocks() > 0) problems.push(`${knocks()} connections were made`)
    problems.push(...(await control(bench, kind, numbers, knocks)))
    return { problems, figures }
  },
}
