/** Replacing the key while one-use destinations wait for their next attempt, on every store. */
import { describe, expect, it } from 'vitest'
import { createWebhooks, schedule, sealedSecrets } from '../../src/index.ts'
import type { PendingDestination } from '../../src/queries.ts'
import type { Sealer } from '../../src/sealing.ts'
import { verify } from '../../src/signing/index.ts'
import type { Store } from '../../src/store.ts'
import { describeOnEach, type SetupOn } from '../support/each-database.ts'
import { quietLogger, setup } from '../support/setup.ts'

const own = { tenantId: 'acme' }
const secret = `whsec_${btoa('obviously-fake-secret-of-a-test!')}`
const headers = { authorization: 'Bearer obviously-fake-token' }
const hourly = schedule(Array(100).fill('1h'), { jitter: 0 })
const HOUR_MS = 3_600_000
const nothing = { looked: 0, resealed: 0, unreadable: 0 }
/** Obviously fake keys: 32 times the same byte. */
const keys = (...bytes: number[]) =>
  sealedSecrets({ keys: bytes.map((byte) => new Uint8Array(32).fill(byte)) })

/** A sender with the first key, whose receivers are down, and others on the same store. */
async function labOn(setupOn: SetupOn) {
  const lab = await setupOn({ secrets: keys(1), retry: hourly, answer: () => 503 })
  const problems: string[] = []
  const hooks = { problem: ({ error }: { error: { code?: string } }) => problems.push(error.code ?? '') }
  const withKeys = (secrets?: Sealer, over: Partial<Store<never>> = {}) =>
    createWebhooks({
      ...(secrets === undefined ? {} : { secrets }),
      store: { ...lab.store, ...over },
      ...{ clock: lab.clock, transport: lab.transport, hooks, retry: hourly, logger: quietLogger },
    })
  /** Publishes to `count` destinations, and fails to reach them. */
  async function owe(count: number) {
    for (let index = 0; index < count; index++) {
      const to = { url: `https://once.example/${index}?token=fake`, secret, headers }
      await lab.webhooks.publish('a', { index }, { tenantId: `t${index % 3}`, to })
    }
    await lab.webhooks.drain()
  }
  /** The receivers are back, and the hour has passed. */
  async function recover(sender: typeof lab.webhooks) {
    const before = lab.transport.requests.length
    lab.transport.answer(() => 200)
    await lab.clock.advance(HOUR_MS)
    await sender.drain()
    return lab.transport.requests.slice(before)
  }
  return { ...lab, problems, withKeys, owe, recover }
}

const memory: SetupOn = async (options) => setup(options) as never

function cases(setupOn: SetupOn) {
  it('reseals all that wait for a retry, page by page, and then the old key is not needed', async () => {
    const lab = await labOn(setupOn)
    await lab.subscribe('acme')
    await lab.owe(45)
    const turning = lab.withKeys(keys(2, 1), {
      listDestinations: (page) => lab.store.listDestinations({ ...page, limit: 7 }),
    })
    const all = { looked: 45, resealed: 45, unreadable: 0 }
    const first = { looked: 1, resealed: 1, unreadable: 0 }
    expect(await turning.resealSecrets()).toEqual({ subscriptions: first, destinations: all })
    const again = { ...all, resealed: 0 }
    expect((await turning.resealSecrets()).destinations).toEqual(again)
    const sent = await lab.recover(lab.withKeys(keys(2)))
    expect(sent.map((request) => request.url).sort()).toEqual(
      Array.from({ length: 45 }, (_, index) => `https://once.example/${index}?token=fake`).sort(),
    )
    for (const request of sent) {
      expect(request.headers.authorization).toBe(headers.authorization)
      await verify(request, { secret, now: Math.floor(lab.clock.now() / 1000) })
    }
    const { rows } = await lab.store.listDeliveries({ tenant: ['t0', 't1', 't2'] }, { limit: 100 })
    expect(new Set(rows.map((row) => row.state))).toEqual(new Set(['succeeded']))
    expect((await turning.resealSecrets()).destinations).toEqual(nothing)
  })

  it('leaves a destination erased whose delivery ends while it is resealed', async () => {
    const lab = await labOn(setupOn)
    await lab.owe(3)
    const turning = lab.withKeys(keys(2, 1), {
      async replaceDestinations(changes) {
        await lab.recover(lab.webhooks)
        return lab.store.replaceDestinations(changes)
      },
    })
    const { destinations } = await turning.resealSecrets()
    expect(destinations).toEqual({ looked: 3, resealed: 0, unreadable: 0 })
    const { rows } = await lab.store.listDeliveries({ tenant: ['t0', 't1', 't2'] }, { limit: 10 })
    expect(rows.map(({ state, destination }) => [state, destination])).toEqual(
      Array(3).fill(['succeeded', null]),
    )
  })

  it('does not undo the outcome of a worker that holds the delivery meanwhile', async () => {
    const lab = await labOn(setupOn)
    await lab.owe(1)
    const turning = lab.withKeys(keys(2, 1))
    await lab.clock.advance(HOUR_MS)
    lab.transport.answer(async () => {
      await turning.resealSecrets()
      return 503
    })
    await lab.webhooks.drain()
    const [request] = await lab.recover(lab.withKeys(keys(2)))
    expect(request?.url).toBe('https://once.example/0?token=fake')
    const { items } = await lab.webhooks.attempts.list({ tenantId: 't0' })
    expect(items.map(({ number }) => number).sort()).toEqual([1, 2, 3])
  })

  it('counts what no key opens, says so by code, and loses nothing', async () => {
    const lab = await labOn(setupOn)
    await lab.owe(2)
    const wrong = lab.withKeys(keys(3, 2))
    expect((await wrong.resealSecrets()).destinations).toEqual({ looked: 2, resealed: 0, unreadable: 2 })
    expect(lab.problems).toEqual(['SECRET_UNREADABLE', 'SECRET_UNREADABLE'])
    expect(await lab.recover(lab.withKeys(keys(1)))).toHaveLength(2)
  })

  it('goes on where it was interrupted', async () => {
    const lab = await labOn(setupOn)
    await lab.owe(50)
    let batches = 0
    const replaceDestinations: Store['replaceDestinations'] = (changes) => {
      batches++
      if (batches === 2) return Promise.reject(new Error('the database has gone away'))
      return lab.store.replaceDestinations(changes)
    }
    const turning = lab.withKeys(keys(2, 1), { replaceDestinations })
    await expect(turning.resealSecrets()).rejects.toThrow('the database has gone away')
    expect((await turning.resealSecrets()).destinations).toEqual({
      looked: 50,
      resealed: 30,
      unreadable: 0,
    })
    expect(await lab.recover(lab.withKeys(keys(2)))).toHaveLength(50)
  })
}

describe('in memory', () => cases(memory))
describeOnEach(cases)

describe('a destination', () => {
  it('that was stored before there were keys is sealed', async () => {
    const lab = setup({ retry: hourly, answer: () => 503 })
    await lab.webhooks.publish('a', {}, { ...own, to: { url: 'https://once.example' } })
    const sealing = createWebhooks({ store: lab.store, clock: lab.clock, secrets: keys(1) })
    expect((await sealing.resealSecrets()).destinations.resealed).toBe(1)
    const { destinations } = await lab.store.listDestinations({ after: null, limit: 1 })
    expect(destinations[0]?.destination).toMatch(/^posthorn-sealed\.[^:]*$/)
  })

  it('cannot be taken for one of another tenant', async () => {
    const lab = setup({ secrets: keys(1), retry: hourly, answer: () => 503 })
    await lab.webhooks.publish('a', {}, { ...own, to: { url: 'https://once.example' } })
    const [one] = (await lab.store.listDestinations({ after: null, limit: 1 }))
      .destinations as PendingDestination[]
    const { destination, ...place } = one as PendingDestination
    const thief = sealedSecrets({ keys: [new Uint8Array(32).fill(1)] })
    const to = await thief.seal('{"url":"https://thief.example"}', {
      tenantId: 'other',
      subscriptionId: null,
      purpose: 'destination',
    })
    await lab.store.replaceDestinations([{ ...place, from: destination, to }])
    await lab.webhooks.drain()
    expect(lab.transport.requests).toEqual([])
    const { items } = await lab.webhooks.deliveries.list(own)
    expect(items).toMatchObject([{ state: 'failed', reason: 'quarantined' }])
  })
})
