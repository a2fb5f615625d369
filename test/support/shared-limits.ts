/** Steps that the tests of order, rate and concurrency share. */
import { createWebhooks, schedule } from '../../src/index.ts'
import type { WebhooksOptions } from '../../src/options.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import type { TransportRequest } from '../../src/transport.ts'
import { quietLogger, type setup } from './setup.ts'

export const decode = (request: TransportRequest) => JSON.parse(new TextDecoder().decode(request.body)).data
export const seconds = schedule(Array(20).fill('1s'), { jitter: 0 })

/** A second process over the same store. */
export function neighbour(made: ReturnType<typeof setup>, options: Partial<WebhooksOptions> = {}) {
  const { store, clock } = made
  const transport = fakeTransport()
  const base = { store, transport, clock, logger: quietLogger, random: () => 0 }
  return { transport, webhooks: createWebhooks({ ...base, ...options }) }
}

/** Requests that the test answers one by one. */
export function gate() {
  const open: ((status: number) => void)[] = []
  const answer = () => new Promise<number>((resolve) => open.push(resolve))
  return { open, answer }
}

export const turn = async () => {
  for (let index = 0; index < 20; index++) await new Promise((done) => setImmediate(done))
}
