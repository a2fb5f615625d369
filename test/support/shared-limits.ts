/** Steps that the tests of order, rate and concurrency share. */
import { createWebhooks, schedule } from '../../src/index.ts'
import type { WebhooksOptions } from '../../src/options.ts'
import type { Store } from '../../src/store.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import type { ManualClock } from '../../src/testing/manual-clock.ts'
import type { TransportRequest } from '../../src/transport.ts'
import { quietLogger } from './setup.ts'

export const decode = (request: TransportRequest) => JSON.parse(new TextDecoder().decode(request.body)).data
export const seconds = schedule(Array(20).fill('1s'), { jitter: 0 })

/** What two processes share. */
export interface StoreAndClock {
  readonly store: Store<never>
  readonly clock: ManualClock
}

/** A second process over the same store. */
export function neighbour({ store, clock }: StoreAndClock, options: Partial<WebhooksOptions> = {}) {
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
