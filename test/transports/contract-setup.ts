/** What every case of the transport suite starts from: a transport and an evil receiver, closed at the end. */
import { onTestFinished } from 'vitest'
import type { Transport, TransportRequest } from '../../src/transport.ts'
import { type EvilOptions, type EvilReceiver, evilReceiver, tlsFixture } from '../support/evil-receiver.ts'

/** What a transport can do. */
export interface ContractOptions {
  readonly name: string
  /** Makes a transport that trusts this authority. */
  create(options: { ca: string; connectTimeoutMs?: number }): Transport
  /** True when the sockets are the runtime's own: it cannot trust the authority, nor tell some phases apart. */
  readonly overFetch?: boolean
}

/** The deadline of the cases about deadlines, in ms. */
export const DEADLINE_MS = 300

/** The steps that the cases share. */
export function contractSetup({ create, overFetch = false }: ContractOptions) {
  async function setup(receiver: EvilOptions = {}, options: { connectTimeoutMs?: number } = {}) {
    const transport = create({ ca: tlsFixture('ca'), ...options })
    const evil = await evilReceiver(receiver)
    onTestFinished(async () => {
      await transport.close()
      await evil.close()
    })
    const send = (mode: string, request: Partial<TransportRequest> = {}) =>
      transport.send({
        url: evil.url(mode),
        headers: { 'content-type': 'application/json' },
        body: Buffer.from('{"a":1}'),
        deadlineMs: 5_000,
        ...request,
      })
    return { transport, evil, send }
  }
  // Node 20's own fetch opens a new, idle connection after an abort and keeps it for four seconds.
  const socketsClosed = async (evil: EvilReceiver) => {
    if (!overFetch) await evil.allClosed()
  }
  const lastOf = (evil: EvilReceiver) => {
    const seen = evil.requests.at(-1)
    if (seen === undefined) throw new Error('the receiver saw no request')
    return { ...seen, header: (wanted: string) => seen.headers.filter(([n]) => n.toLowerCase() === wanted) }
  }
  return { setup, socketsClosed, lastOf }
}
