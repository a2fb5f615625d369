/**
 * The receiver process: twenty receivers, each on a loopback port of its own. It verifies with the `standardwebhooks` package,
 * knows nothing of the sender's code, and keeps its own ledger.
 */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import type { Accepted, FromReceivers, ToReceivers } from './messages.ts'
import { type Planned, plan } from './plan.ts'

const SLOW_MS = 40
const DOWN_MS = 1_500

const planByKey = new Map(plan.map((one) => [one.key, one]))
const verifiers = new Map<string, Webhook>()
const seen = new Map<string, number>()
const accepted: Accepted[] = []
let requests = 0
let forged = 0
let cut = 0
let firstAt: number | null = null
let lastAt = 0

/** The callback takes the error of a send that meets the end of the demo. */
const say = (message: FromReceivers): void => void process.send?.(message, undefined, undefined, () => {})

async function readBody(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

/** The status that a receiver of this behaviour gives to a genuine webhook. */
async function answer({ key, behaviour }: Planned, id: string): Promise<number> {
  const times = (seen.get(`${key} ${id}`) ?? 0) + 1
  seen.set(`${key} ${id}`, times)
  if (behaviour === 'gone') return 410
  if (behaviour === 'fails-twice' && times < 3) return times === 1 ? 500 : 502
  if (behaviour === 'slow') await new Promise((resolve) => setTimeout(resolve, SLOW_MS))
  return 200
}

async function receive(incoming: IncomingMessage): Promise<number> {
  const body = await readBody(incoming)
  requests += 1
  firstAt ??= performance.now()
  const planned = planByKey.get((incoming.url ?? '').slice(1))
  const verifier = planned && verifiers.get(planned.key)
  if (planned === undefined || verifier === undefined) return 404
  const id = String(incoming.headers['webhook-id'])
  try {
    verifier.verify(body, incoming.headers as Record<string, string>)
  } catch {
    forged += 1
    return 400
  }
  const status = await answer(planned, id)
  if (status === 200) {
    const { type, data } = JSON.parse(body)
    const digest = createHash('sha256').update(JSON.stringify(data)).digest('hex')
    accepted.push({ key: planned.key, eventId: id, type, digest })
    lastAt = performance.now()
  }
  return status
}

function listen(server: Server): Promise<string> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  })
}

/** Cuts the connections of the first while, counted from the first one. */
function goDown(server: Server): void {
  let upAt: number | null = null
  server.prependListener('connection', (socket) => {
    upAt ??= performance.now() + DOWN_MS
    if (performance.now() >= upAt) return
    cut += 1
    socket.destroy()
  })
}

process.on('disconnect', () => process.exit())
process.on('message', (message: ToReceivers) => {
  if (message.kind === 'secrets') {
    for (const [key, secret] of Object.entries(message.secrets)) verifiers.set(key, new Webhook(secret))
    return
  }
  const spanMs = firstAt === null ? 0 : lastAt - firstAt
  say({ kind: 'ledger', ledger: { accepted, requests, forged, cut, spanMs } })
})

async function open({ key, behaviour }: Planned): Promise<readonly [string, string]> {
  const server = createServer((incoming, outgoing) => {
    receive(incoming)
      .then((status) => outgoing.writeHead(status).end())
      .catch(() => outgoing.destroy())
  })
  if (behaviour === 'down') goDown(server)
  return [key, `${await listen(server)}/${key}`]
}

const urls = Object.fromEntries(await Promise.all(plan.map(open)))
say({ kind: 'listening', urls })
setInterval(() => say({ kind: 'progress', requests, accepted: accepted.length }), 50)
