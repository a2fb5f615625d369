/**
 * The receiving process of a stage: one port for each endpoint, each behaving as it is told to. It writes down every request,
 * with the verdict of the verifier that the library shares no code with.
 */
import { createHash } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { seeded } from '../../../src/cli/torture/random.ts'
import { isValid } from '../../../src/cli/torture/receiver.ts'
import type { Arrival, Behaviour, Payload, ReceiverOrder } from '../stage/words.ts'

/** Of bodies larger than this, one in twenty is verified: what is measured is the sender. */
const LARGE = 100_000

export async function runEndpoints(): Promise<void> {
  const { endpoints, ledger, seed } = JSON.parse(process.env.ENDPOINTS ?? '{}')
  const random = seeded(seed)
  const behaviours: Behaviour[] = Array.from({ length: endpoints }, () => ({ kind: 'answer' }))
  let lines: string[] = []
  let requests = 0

  function receive(endpoint: number, request: IncomingMessage, response: ServerResponse): void {
    const at = Date.now()
    const behaviour = behaviours[endpoint] ?? { kind: 'answer' }
    const chunks: Buffer[] = []
    request.on('error', () => {})
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const seen = read(endpoint, request, Buffer.concat(chunks), at)
      const status = statusOf(behaviour, seen.key)
      const done = (answered: number | null): void => {
        lines.push(JSON.stringify({ ...seen, answered, status } satisfies Arrival))
        if (lines.length >= 500) flush()
      }
      if (behaviour.kind === 'reset') {
        done(null)
        return void request.socket.resetAndDestroy()
      }
      if (behaviour.kind === 'hang') return void response.once('close', () => done(null))
      setTimeout(
        () => {
          const open = response.socket?.writable === true
          done(open ? Date.now() : null)
          if (open) response.writeHead(status, behaviour.headers).end()
        },
        behaviour.answerMs === undefined ? 0 : random.between(...behaviour.answerMs),
      )
    })
  }

  function statusOf({ status = 204, failShare = 0, failKey }: Behaviour, key: string): number {
    return (failKey !== undefined && key === failKey) || random.next() < failShare ? 500 : status
  }

  function read(endpoint: number, request: IncomingMessage, body: Buffer, at: number) {
    const id = String(request.headers['webhook-id'] ?? '')
    const looks = body.length <= LARGE || requests++ % 20 === 0
    const { key, n, sent } = payloadOf(body)
    return {
      ...{ endpoint, id, at, key, n, sent },
      path: request.url ?? '',
      worker: String(request.headers['user-agent'] ?? ''),
      valid: looks ? isValid(request, id, body) : null,
      body: looks ? createHash('sha256').update(body).digest('hex').slice(0, 16) : '',
    }
  }

  function flush(): void {
    if (lines.length > 0) appendFileSync(ledger, `${lines.join('\n')}\n`)
    lines = []
  }

  const ports: number[] = []
  for (let endpoint = 0; endpoint < endpoints; endpoint++) {
    const server = createServer((request, response) => receive(endpoint, request, response))
    server.keepAliveTimeout = 60_000
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    ports.push((server.address() as AddressInfo).port)
  }
  process.on('message', (order: ReceiverOrder) => {
    if ('flush' in order) flush()
    else {
      const chosen = order.endpoints === 'all' ? behaviours.map((_, index) => index) : order.endpoints
      for (const index of chosen) behaviours[index] = order.behave
    }
    process.send?.({ done: true })
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.({ ports })
}

function payloadOf(body: Buffer): Pick<Payload, 'key' | 'n' | 'sent'> {
  // Large bodies carry these first, so that nothing has to be parsed.
  const [, key = '', n = '-1', sent = '0'] =
    /"data":\{"key":"([^"]*)","n":(\d+),"sent":(\d+)/.exec(body.toString('latin1', 0, 1_000)) ?? []
  return { key, n: Number(n), sent: Number(sent) }
}
