/** A receiver on a real socket that keeps the bytes it gets, and signatures made with node:crypto alone. */
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Json } from './backend.ts'

/** One webhook as it arrived. */
export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly raw: Buffer
  readonly json: Json
}

/** A running receiver. */
export interface WebhookReceiver {
  readonly url: string
  /** Everything so far, in order. */
  readonly received: readonly Received[]
  /** The statuses to answer with, one each, then 204. */
  answers: number[]
  /** The next webhook that no `next` has returned yet. */
  next(): Promise<Received>
  close(): void
}

export async function startReceiver(): Promise<WebhookReceiver> {
  const received: Received[] = []
  const waiting: ((webhook: Received) => void)[] = []
  let taken = 0
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const raw = Buffer.concat(chunks)
    const webhook = {
      path: request.url ?? '',
      headers: request.headers,
      raw,
      json: JSON.parse(raw.toString()),
    }
    received.push(webhook)
    response.writeHead(receiver.answers.shift() ?? 204).end()
    const waiter = waiting.shift()
    if (waiter === undefined) return
    taken += 1
    waiter(webhook)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    answers: [],
    next() {
      const webhook = received[taken]
      if (webhook === undefined) return new Promise((resolve) => waiting.push(resolve))
      taken += 1
      return Promise.resolve(webhook)
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
  return receiver
}

/** Hexadecimal HMAC-SHA256 over the bytes. */
export const hmacHex = (secret: string, raw: Buffer): string =>
  createHmac('sha256', secret).update(raw).digest('hex')
