/**
 * The one receiver of a run, a process of its own: answers 204, at once or after the case's delay, and remembers which
 * (endpoint, webhook-id) it has seen, so that a run that lost or doubled a delivery is no result.
 */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

/** What the parent asks for. */
export type ReceiverQuestion =
  | { readonly ask: 'reset'; readonly delayMs: number; readonly arrivals: boolean }
  | { readonly ask: 'state' }

/** What it gets. Arrivals are [webhook-id, nanoseconds of the machine's monotonic clock]. */
export interface ReceiverState {
  readonly requests: number
  readonly unique: number
  readonly arrivals: readonly (readonly [string, string])[]
}

let seen = new Map<string, Set<string>>()
let arrivals = new Map<string, bigint>()
let requests = 0
let delayMs = 0
let noting = false

function answer(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const path = incoming.url ?? ''
  incoming.resume()
  incoming.on('end', () => {
    if (path === '/silent') return
    if (delayMs === 0) outgoing.writeHead(204).end()
    else setTimeout(() => outgoing.writeHead(204).end(), delayMs)
    requests += 1
    const id = String(incoming.headers['webhook-id'])
    if (noting && !arrivals.has(id)) arrivals.set(id, process.hrtime.bigint())
    const ids = seen.get(path)
    if (ids === undefined) seen.set(path, new Set([id]))
    else ids.add(id)
  })
}

function state(): ReceiverState {
  const unique = [...seen.values()].reduce((sum, ids) => sum + ids.size, 0)
  return { requests, unique, arrivals: [...arrivals].map(([id, at]) => [id, String(at)] as const) }
}

process.on('message', (question: ReceiverQuestion) => {
  if (question.ask === 'state') {
    process.send?.(state())
    return
  }
  seen = new Map()
  arrivals = new Map()
  requests = 0
  delayMs = question.delayMs
  noting = question.arrivals
  process.send?.({ requests: 0, unique: 0, arrivals: [] })
})
process.on('disconnect', () => process.exit(0))

const plain = createServer({ keepAliveTimeout: 60_000 }, answer)
const listening = (server: { listen(port: number, done: () => void): unknown; address(): unknown }) =>
  new Promise<number>((resolve) => server.listen(0, () => resolve((server.address() as AddressInfo).port)))
const pem = process.argv[2]
const tls =
  pem === undefined
    ? null
    : createTlsServer({ key: readFileSync(pem), cert: readFileSync(pem), keepAliveTimeout: 60_000 }, answer)
process.send?.({ http: await listening(plain), https: tls === null ? null : await listening(tls) })
