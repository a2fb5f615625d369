/**
 * The receiving process: answers after a while, and writes down every request with the verdict of a verifier of its
 * own, written from the Standard Webhooks specification with node:crypto alone.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../clock.ts'
import { openLedger, type Received } from './ledger.ts'
import { seeded } from './random.ts'
import { ledgers, readSettings, SECRET } from './settings.ts'

const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64')

export function runReceiver(): void {
  const settings = readSettings()
  const ledger = openLedger<Received>(ledgers(settings.folder).received)
  const random = seeded(settings.seed ^ 0x5eed)
  const hangsUntil = systemClock.now() + (settings.hangsMs ?? 0)

  function receive(request: IncomingMessage, response: ServerResponse): void {
    const at = systemClock.now()
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const entry = read(request, Buffer.concat(chunks), at)
      if (entry.endpoint === 'e0' && at < hangsUntil) {
        response.on('close', () => ledger.append({ ...entry, status: 500, answered: null }))
        return
      }
      const status = random.next() < (settings.failing ?? 0) ? 500 : 204
      systemClock.setTimer(() => answer(response, { ...entry, status }), random.between(...settings.answerMs))
    })
    request.on('error', () => {})
  }

  function answer(response: ServerResponse, entry: Omit<Received, 'answered'>): void {
    const open = response.socket?.writable === true
    ledger.append({ ...entry, answered: open ? systemClock.now() : null })
    if (open) response.writeHead(entry.status).end()
  }

  const server = createServer(receive)
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
  process.on('disconnect', () => process.exit(0))
}

function read(request: IncomingMessage, body: Buffer, at: number): Omit<Received, 'answered' | 'status'> {
  const [, tenant = '', endpoint = ''] = (request.url ?? '').split('/')
  const id = String(request.headers['webhook-id'] ?? '')
  return {
    id,
    tenant,
    endpoint,
    digest: payloadDigest(body),
    body: createHash('sha256').update(body).digest('hex'),
    valid: isValid(request, id, body),
    worker: String(request.headers['user-agent'] ?? ''),
    at,
    signedAt: Number(request.headers['webhook-timestamp']),
  }
}

function payloadDigest(body: Buffer): string {
  try {
    return String((JSON.parse(body.toString('utf8')) as { data: { digest: string } }).data.digest)
  } catch {
    return 'unreadable'
  }
}

export function isValid(request: IncomingMessage, id: string, body: Buffer): boolean {
  const timestamp = String(request.headers['webhook-timestamp'] ?? '')
  const wanted = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
  return String(request.headers['webhook-signature'] ?? '')
    .split(' ')
    .map((part) => Buffer.from(part.replace(/^v1,/, ''), 'base64'))
    .some((given) => given.length === wanted.length && timingSafeEqual(given, wanted))
}
