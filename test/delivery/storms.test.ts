/** Tests 41 to 44 of the reliability list in reduced counts: one bad receiver, a flood, an outage and its return, a dead end. */
import { describe, expect, it } from 'vitest'
import { schedule } from '../../src/index.ts'
import type { WebhooksOptions } from '../../src/options.ts'
import type { TransportFailure, TransportRequest } from '../../src/transport.ts'
import { setup } from '../support/setup.ts'

const timedOut = (totalMs: number): TransportFailure => ({
  kind: 'failure',
  code: 'timeout',
  message: 'No answer came in time.',
  mayHaveBeenReceived: true,
  timing: { firstByteMs: null, totalMs },
})

/** A started sender whose receivers take their time on the manual clock; it counts what is in flight. */
async function busy(answerMs: (request: TransportRequest) => number, options: Partial<WebhooksOptions> = {}) {
  const inFlight = new Map<string, number>()
  const peaks = new Map<string, number>()
  const waits = new Map<string, number[]>()
  let total = 0
  let peak = 0
  const made = setup(options)
  const after = (ms: number) =>
    new Promise<void>((resolve) => {
      made.clock.setTimer(resolve, ms)
    })
  made.transport.answer(async (request) => {
    const { host } = new URL(request.url)
    const { at } = JSON.parse(new TextDecoder().decode(request.body)).data
    waits.set(host, [...(waits.get(host) ?? []), made.clock.now() - at])
    const now = (inFlight.get(host) ?? 0) + 1
    inFlight.set(host, now)
    peaks.set(host, Math.max(peaks.get(host) ?? 0, now))
    total += 1
    peak = Math.max(peak, total)
    const ms = answerMs(request)
    await after(Math.abs(ms))
    inFlight.set(host, (inFlight.get(host) ?? 1) - 1)
    total -= 1
    return ms < 0 ? timedOut(-ms) : 200
  })
  const endpoints = async (count: number) => {
    for (let n = 0; n < count; n++) await made.subscribe(`tenant-${n}`, { url: `https://r${n}.example/` })
  }
  const publish = (n: number) =>
    made.webhooks.publish('a', { at: made.clock.now() }, { tenantId: `tenant-${n}` })
  await made.webhooks.start()
  const healthyWaits = () => [...waits].filter(([host]) => host !== 'r0.example').flatMap(([, list]) => list)
  async function stop() {
    const stopped = made.webhooks.stop({ drainMs: 0 })
    await made.clock.advance(1)
    await stopped
  }
  return { ...made, stop, endpoints, publish, peaks, healthyWaits, peak: () => peak }
}

describe('test 41: a tenant that hangs', () => {
  it('takes no more than its share, and the others wait for nothing', async () => {
    const made = await busy((request) => (request.url.includes('r0.') ? -15_000 : 50), {
      concurrency: 60,
      breaker: false,
    })
    await made.endpoints(20)
    for (let n = 0; n < 1_000; n++) await made.publish(0)
    for (let second = 0; second < 60; second++) {
      for (let n = 1; n < 20; n++) await made.publish(n)
      await made.clock.advance(1_000)
    }
    await made.stop()
    expect(made.healthyWaits()).toHaveLength(60 * 19)
    expect(Math.max(...made.healthyWaits())).toBeLessThanOrEqual(1_000)
    expect(made.peaks.get('r0.example')).toBeLessThanOrEqual(10)
  })

  it('is one request in 30 s, 1 min, 2 min … once the breaker has it', async () => {
    const made = await busy((request) => (request.url.includes('r0.') ? -15_000 : 50), { concurrency: 60 })
    await made.endpoints(2)
    for (let n = 0; n < 1_000; n++) await made.publish(0)
    await made.clock.advance(600_000)
    const hung = made.transport.requests.filter(({ url }) => url.includes('r0.')).length
    const { held } = await made.store.backlog({ tenant: 'tenant-0' })
    await made.stop()
    // One share, what waited behind it while it ran into its deadline, then four or five probes in ten minutes.
    expect(hung).toBeLessThanOrEqual(30)
    expect(held).toBeGreaterThanOrEqual(990)
  })
})

describe('test 42: a flood', () => {
  it('of one receiver keeps the others waiting for a second at most', async () => {
    const made = await busy(() => 50, { concurrency: 60 })
    await made.endpoints(10)
    for (let n = 0; n < 3_000; n++) await made.publish(0)
    for (let second = 0; second < 20; second++) {
      for (let n = 1; n < 10; n++) await made.publish(n)
      await made.clock.advance(1_000)
    }
    await made.stop()
    expect(made.healthyWaits()).toHaveLength(20 * 9)
    expect(Math.max(...made.healthyWaits())).toBeLessThanOrEqual(1_000)
    expect(made.transport.requests.filter(({ url }) => url.includes('r0.')).length).toBeGreaterThan(1_000)
  })
})

describe('test 43: an outage and the return', () => {
  it('sends every delivery once the receivers are back, within all caps', async () => {
    let up = false
    const made = await busy(() => (up ? 20 : -1_000), {
      concurrency: 100,
      retry: schedule(['2s', '5s', '10s', '30s', '60s', '2m', '4m', '8m', '16m'], { jitter: 0.2 }),
    })
    await made.endpoints(50)
    for (let second = 0; second < 40; second++) {
      for (let n = 0; n < 50; n++) await made.publish(n)
      await made.clock.advance(1_000)
    }
    const whileDown = made.transport.requests.length
    await made.clock.advance(20_000)
    up = true
    await made.clock.advance(300_000)
    const { due, held, scheduled } = await made.store.backlog({
      tenant: Array.from({ length: 50 }, (_, n) => `tenant-${n}`),
    })
    await made.stop()
    expect({ due, held, scheduled }).toEqual({ due: 0, held: 0, scheduled: 0 })
    expect(Math.max(...made.peaks.values())).toBeLessThanOrEqual(10)
    expect(made.peak()).toBeLessThanOrEqual(100)
    // While everything is down the breaker keeps the requests far below one for each event.
    expect(whileDown).toBeLessThan(2_000)
  })
})

describe('test 44: everything fails', () => {
  const DAY = 86_400_000
  const waits = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]

  async function dead(options: Partial<WebhooksOptions>) {
    const ended = new Map<string, number>()
    const exhausted: string[] = []
    const made = setup({
      answer: () => 500,
      ...options,
      hooks: {
        ended: ({ deliveryId }) => ended.set(deliveryId, (ended.get(deliveryId) ?? 0) + 1),
        noticed: (notice) => notice.notice === 'exhausted' && exhausted.push(notice.delivery.id),
      },
    })
    await made.subscribe()
    for (let n = 0; n < 500; n++) await made.webhooks.publish('a', { n }, { tenantId: 'acme' })
    await made.webhooks.drain()
    return { ...made, ended, exhausted }
  }

  it('makes exactly as many requests as the schedule is long, with the breaker off', async () => {
    const { webhooks, transport, clock, ended, exhausted } = await dead({
      breaker: false,
      disableAfter: false,
    })
    for (const wait of waits) {
      await clock.advance(wait * 1_000)
      await webhooks.drain()
    }
    await clock.advance(DAY)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(500 * 10)
    expect([...ended.values()]).toEqual(Array(500).fill(1))
    expect(new Set(exhausted).size).toBe(500)
    expect(exhausted).toHaveLength(500)
  })

  it('ends every delivery once, with no more requests than that, with the breaker on', async () => {
    const { webhooks, transport, clock, ended, exhausted } = await dead({})
    for (let hour = 0; hour <= 5 * 24; hour++) {
      await clock.advance(3_600_000)
      await webhooks.drain()
    }
    expect(transport.requests.length).toBeLessThan(500 * 10)
    expect([...ended.values()]).toEqual(Array(500).fill(1))
    expect(new Set(exhausted).size).toBe(exhausted.length)
    expect(exhausted).toHaveLength(500)
  })
})
