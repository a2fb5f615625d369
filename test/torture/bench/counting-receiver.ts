/** A receiver in this process that counts: requests, how many are open at a time, and by path. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Bench } from '../scenario.ts'

export interface CountingReceiver {
  /** Paths may follow. */
  readonly url: string
  /** Requests by `webhook-id` and path. */
  readonly requests: ReadonlyMap<string, number>
  /** When each request came, by `Date.now()`. */
  readonly at: readonly number[]
  readonly mostOpen: number
  readonly mostOpenOfOne: number
}

export async function countingReceiver(bench: Bench, answerMs = 0): Promise<CountingReceiver> {
  const requests = new Map<string, number>()
  const at: number[] = []
  const open = new Map<string, number>()
  let [openNow, mostOpen, mostOpenOfOne] = [0, 0, 0]
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    const key = `${String(request.headers['webhook-id'])} ${path}`
    requests.set(key, (requests.get(key) ?? 0) + 1)
    at.push(Date.now())
    const ofOne = (open.get(path) ?? 0) + 1
    open.set(path, ofOne)
    openNow += 1
    mostOpen = Math.max(mostOpen, openNow)
    mostOpenOfOne = Math.max(mostOpenOfOne, ofOne)
    const answer = () => {
      openNow -= 1
      open.set(path, (open.get(path) ?? 1) - 1)
      response.writeHead(204).end()
    }
    request.resume().on('end', () => (answerMs === 0 ? answer() : setTimeout(answer, answerMs)))
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  bench.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    at,
    get mostOpen() {
      return mostOpen
    },
    get mostOpenOfOne() {
      return mostOpenOfOne
    },
  }
}
