/** The signed request that the bare loop and every peer send: the same client, the same headers, the same HMAC. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { Agent } from 'undici'
import type { Setup } from './contender.ts'
import { urlOf } from './work.ts'

/** What a peer stores as the outcome of a delivery. */
export interface Sent {
  readonly status: number
  readonly ms: number
}

/** Sends bodies to the endpoints of a measurement, at most `work.concurrency` at a time. */
export function createSender({ work, ports }: Setup) {
  const agent = new Agent({
    connections: work.concurrency,
    pipelining: 1,
    connectTimeout: 5_000,
    headersTimeout: 5_000,
    bodyTimeout: 5_000,
  })
  const endpoints: { readonly origin: string; readonly path: string; readonly key: KeyObject }[] = []
  for (let endpoint = 0; endpoint < work.tenants * work.fanOut; endpoint++) {
    const { origin, pathname } = new URL(urlOf(work, ports, endpoint))
    const key = createSecretKey(Buffer.from(`obviously-fake-secret-${endpoint}`))
    endpoints.push({ origin, path: pathname, key })
  }
  const waiting: (() => void)[] = []
  let free = work.concurrency

  /** Signs and sends; rejects for anything but a 2xx. */
  async function send(endpoint: number, id: string, body: string): Promise<Sent> {
    const at = endpoints[endpoint]
    if (at === undefined) throw new Error(`no endpoint ${endpoint}`)
    const startedAt = performance.now()
    const timestamp = String(Math.floor(Date.now() / 1000))
    const signature = createHmac('sha256', at.key).update(`${id}.${timestamp}.${body}`).digest('base64')
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    }
    const answer = await agent.request({ origin: at.origin, path: at.path, method: 'POST', headers, body })
    await answer.body.dump()
    if (answer.statusCode >= 300) throw new Error(`status ${answer.statusCode}`)
    return { status: answer.statusCode, ms: performance.now() - startedAt }
  }

  return {
    send,
    /** The same, in a turn of its own: never more at a time than the work allows. */
    async sendInTurn(endpoint: number, id: string, body: string): Promise<Sent> {
      if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve))
      else free -= 1
      try {
        return await send(endpoint, id, body)
      } finally {
        const next = waiting.shift()
        if (next === undefined) free += 1
        else next()
      }
    },
    close: () => agent.destroy(),
  }
}
