/**
 * Runs inside a network namespace of its own, where every address in the world leads to this process: each denied case
 * goes through a whole sender and must open no connection, each allowed one must arrive. Prints one line of JSON.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { isIP } from 'node:net'
import type { Lookup } from '../../src/dns/bounded-calls.ts'
import { createWebhooks } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { undiciTransport } from '../../src/transports/undici.ts'
import { quietLogger } from '../support/setup.ts'
import { corpus, corpusCases, type GuardCase, ownCases } from './cases.ts'

for (const command of [
  'link set lo up',
  'route add local 0.0.0.0/0 dev lo',
  '-6 route add local ::/0 dev lo',
]) {
  execFileSync('ip', command.split(' '))
}

/** Connections that any process of this namespace has begun: one SYN each. */
function connectsBegun(): number {
  const [names = '', values = ''] = readFileSync('/proc/net/snmp', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
  return Number(values.split(' ')[names.split(' ').indexOf('ActiveOpens')])
}

const reached: string[] = []
let location: string | null = null
let status = 204
const listening = new Set<number>()

async function listen(port: number): Promise<void> {
  if (listening.has(port)) return
  listening.add(port)
  const server = createServer((request, response) => {
    reached.push(String(request.socket.localAddress))
    response.writeHead(status, { connection: 'close', ...(location === null ? {} : { location }) }).end()
  })
  await new Promise<void>((resolve) => server.listen(port, '::', resolve))
  server.unref()
}

/** One delivery through a whole sender to a URL that stands in the row already. */
async function deliver({ url, resolves, options }: GuardCase): Promise<string | null> {
  const lookup: Lookup = (_hostname, _options, callback) =>
    callback(
      null,
      (resolves ?? []).map((address) => ({ address, family: isIP(address) })),
    )
  const store = memoryStore()
  const transport = undiciTransport({ lookup })
  const webhooks = createWebhooks({ store, transport, logger: quietLogger, ...options })
  const scope = { tenantId: 'acme' }
  const { subscription } = await webhooks.subscriptions.create({
    ...scope,
    url: 'https://seed.example.net:8443/',
  })
  await store.updateSubscription('acme', subscription.id, { url }, {})
  await webhooks.publish('a', {}, scope)
  await webhooks.drain()
  const { items } = await webhooks.attempts.list(scope)
  await transport.close()
  await webhooks.stop({ drainMs: 0 })
  const [attempt] = items
  return attempt === undefined ? 'no attempt' : attempt.failure
}

const cases = [...corpusCases, ...ownCases]
const wrong: string[] = []
const begun = connectsBegun()
let denied = 0
for (const one of cases.filter(({ allowed }) => !allowed)) {
  const failure = await deliver(one)
  denied++
  const expected = one.resolves?.length === 0 ? ['dns', 'blocked'] : ['blocked']
  if (!expected.includes(failure ?? '')) wrong.push(`${one.id}: ${failure}`)
}
const syns = connectsBegun() - begun

const plain = (url: string) => url.replace(/^https:/i, 'http:')
let allowed = 0
for (const one of cases.filter((each) => each.allowed)) {
  const url = plain(one.url)
  const options = { ...one.options, allowHttp: true }
  await listen(Number(new URL(url).port || 80))
  const before = reached.length
  const failure = await deliver({ ...one, url, options })
  allowed++
  if (failure !== null || reached.length !== before + 1) wrong.push(`${one.id}: not reached (${failure})`)
}

let redirects = 0
for (const { id, url, resolves_to: resolves = [], responds } of corpus) {
  if (responds === undefined) continue
  status = responds.status
  location = responds.location
  const before = connectsBegun()
  const failure = await deliver({
    id,
    url: plain(url),
    resolves,
    options: { allowHttp: true },
    allowed: true,
    why: '',
  })
  redirects++
  if (failure !== null || connectsBegun() !== before + 1)
    wrong.push(`${id}: followed, or not sent (${failure})`)
}

process.stdout.write(`${JSON.stringify({ syns, denied, allowed, redirects, wrong })}\n`)
