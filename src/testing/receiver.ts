/**
 * A real HTTP server on this machine that collects and verifies webhooks, so that a test can wait for them by event. It never
 * polls or sleeps, and verifies with the same code that real receivers import.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Clock } from '../clock.ts'
import { refuseUnknownOptions } from '../input/known-keys.ts'
import type { Scheme } from '../signing/scheme.ts'
import type { VerifiedWebhook } from '../signing/verified-webhook.ts'
import { verify } from '../signing/verify.ts'

/** One request as it came in. */
export interface ReceivedRequest {
  readonly method: string
  /** Path and query. */
  readonly path: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** The body as text. */
  readonly body: string
  /** What was proven; null when no secret was given or the request did not verify. */
  readonly verified: VerifiedWebhook | null
  /** Why it did not verify; null when it did, or when no secret was given. */
  readonly error: Error | null
}

/** What the receiver answers: a status, or more of a response. */
export type ReceiverAnswer =
  | number
  | {
      readonly status?: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
    }

/** How `receiver` verifies and answers. */
export interface ReceiverOptions {
  /** Verifies each request with it; without it nothing is verified. */
  readonly secret?: string
  /** @default standardWebhooks() */
  readonly scheme?: Scheme
  /** The sender's test clock; timestamps are checked against it. @default the machine's clock */
  readonly clock?: Pick<Clock, 'now'>
  /** Says what a request gets; `nth` counts from 1. @default 204, or 401 when it did not verify */
  readonly answer?: (request: ReceivedRequest, nth: number) => ReceiverAnswer | Promise<ReceiverAnswer>
}

/** A running receiver. */
export interface Receiver {
  /** For the subscription's `url`. */
  readonly url: string
  /** Everything received so far, in order. */
  readonly requests: readonly ReceivedRequest[]
  /** Waits for `count` more requests that no earlier `next` has returned. Rejects when the receiver is closed before. */
  next(count?: number): Promise<readonly ReceivedRequest[]>
  /** Breaks open connections and frees the port. May be called twice. */
  close(): Promise<void>
}

interface Waiter {
  readonly upTo: number
  readonly from: number
  resolve(requests: readonly ReceivedRequest[]): void
  reject(error: Error): void
}

async function bytesOf(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new Uint8Array(Buffer.concat(chunks))
}

function plainHeaders(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}

async function readRequest(message: IncomingMessage, options: ReceiverOptions): Promise<ReceivedRequest> {
  const bytes = await bytesOf(message)
  const headers = plainHeaders(message)
  const request = {
    method: message.method ?? '',
    path: message.url ?? '/',
    headers,
    body: new TextDecoder().decode(bytes),
  }
  if (options.secret === undefined) return { ...request, verified: null, error: null }
  try {
    const verified = await verify(
      { headers, body: bytes },
      {
        secret: options.secret,
        ...(options.scheme === undefined ? {} : { scheme: options.scheme }),
        ...(options.clock === undefined ? {} : { now: Math.floor(options.clock.now() / 1000) }),
      },
    )
    return { ...request, verified, error: null }
  } catch (error) {
    return { ...request, verified: null, error: error instanceof Error ? error : new Error(String(error)) }
  }
}

/**
 * Starts a receiver on 127.0.0.1, on a free port.
 *
 * @throws PosthornError `INVALID_OPTION` (a rejection)
 * @example
 * const hook = await receiver({ secret })
 * // … publish …
 * const [request] = await hook.next(1)
 * assert.equal(request?.verified?.type, 'order.paid')
 * await hook.close()
 */
export async function receiver(options: ReceiverOptions = {}): Promise<Receiver> {
  refuseUnknownOptions('receiver({ … })', options, { secret: true, scheme: true, clock: true, answer: true })
  const requests: ReceivedRequest[] = []
  const waiters: Waiter[] = []
  let handedOut = 0
  let closed: Promise<void> | null = null

  function wakeWaiters(): void {
    for (let first = waiters[0]; first !== undefined && first.upTo <= requests.length; first = waiters[0]) {
      waiters.shift()
      first.resolve(requests.slice(first.from, first.upTo))
    }
  }

  async function respond(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(message, options)
    const nth = requests.push(request)
    wakeWaiters()
    const answer = (await options.answer?.(request, nth)) ?? (request.error === null ? 204 : 401)
    const parts = typeof answer === 'number' ? { status: answer } : answer
    response.writeHead(parts.status ?? 200, parts.headers).end(parts.body)
  }

  const server = createServer((message, response) => {
    respond(message, response).catch((error: Error) => response.destroy(error))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The receiver got no port.')

  return {
    url: `http://127.0.0.1:${address.port}/`,
    requests,
    next(count = 1) {
      if (closed !== null) return Promise.reject(new Error('The receiver is closed.'))
      return new Promise((resolve, reject) => {
        waiters.push({ from: handedOut, upTo: handedOut + count, resolve, reject })
        handedOut += count
        wakeWaiters()
      })
    },
    close() {
      closed ??= new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
        for (const waiter of waiters.splice(0)) {
          const missing = waiter.upTo - requests.length
          waiter.reject(
            new Error(`The receiver was closed while a test waited for ${missing} more requests.`),
          )
        }
      })
      return closed
    },
  }
}
