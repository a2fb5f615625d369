/** Rows that must be claimed alone, beside a worker that is never idle. */
import { expect, it } from 'vitest'
import { createSuspects } from '../../src/delivery/suspects.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { setup } from '../support/setup.ts'

it('sends a row that two killed workers had, although this worker is never idle', async () => {
  const { webhooks, store, clock, transport, subscribe } = setup({
    answer: async () => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, 300))
      return { status: 204 }
    },
  })
  await subscribe()
  await webhooks.publish('suspect', {}, { tenantId: 'acme' })
  for (const token of ['killed', 'killed too']) {
    const claimed = await store.claim({
      token,
      leaseMs: 1_000,
      limit: 10,
      perTenant: 10,
      perSubscription: 10,
      shares: new Map(),
      alone: false,
    })
    expect(claimed.work).toHaveLength(1)
    await clock.advance(1_001)
  }
  await webhooks.start()
  const sent = () =>
    transport.requests.filter(({ body }) => new TextDecoder().decode(body).includes('"suspect"'))
  for (let turn = 0; turn < 150 && sent().length === 0; turn++) {
    await webhooks.publish('busy', { turn }, { tenantId: 'acme' })
    await clock.advance(100)
  }
  expect(sent()).toHaveLength(1)
  await clock.advance(60_000)
  expect(sent()).toHaveLength(1)
  await webhooks.stop()
})

it('has few rows at a time that lost a claim: were it killed, too, all of them would be suspects', async () => {
  let answered = 0
  const { webhooks, store, clock, subscribe } = setup({
    concurrency: 4,
    answer: async () => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, 300))
      answered += 1
      return { status: 204 }
    },
  })
  await subscribe()
  const ids = Array.from({ length: 20 }, (_, n) => ({ n }))
  await webhooks.publishMany(ids.map((data) => ({ type: 'lost', data, tenantId: 'acme' })))
  const killed = { token: 'killed', leaseMs: 1_000, limit: 50, perTenant: 50, perSubscription: 50 }
  expect((await store.claim({ ...killed, shares: new Map(), alone: false })).work).toHaveLength(20)
  await clock.advance(1_001)
  let had = 0
  let most = 0
  const { claim } = store
  store.claim = async (request) => {
    const claimed = await claim(request)
    had += claimed.work.length
    most = Math.max(most, had - answered)
    return claimed
  }
  await webhooks.start()
  await clock.advance(10_000)
  expect(answered).toBe(20)
  expect(had).toBe(20)
  expect(most).toBe(8)
  await webhooks.stop()
})

it('has still fewer of them when each goes to many', async () => {
  const { webhooks, store, clock, subscribe } = setup({
    concurrency: 10,
    answer: async () => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, 300))
      return { status: 204 }
    },
  })
  for (let number = 0; number < 10; number++) await subscribe()
  await webhooks.publishMany(
    Array.from({ length: 100 }, (_, n) => ({ type: 'lost', data: { n }, tenantId: 'acme' })),
  )
  const killed = { token: 'killed', leaseMs: 1_000, limit: 100, perTenant: 100, perSubscription: 100 }
  expect((await store.claim({ ...killed, shares: new Map(), alone: false })).work).toHaveLength(100)
  await clock.advance(1_001)
  const allowed: (number | undefined)[] = []
  const { claim } = store
  store.claim = async (request) => {
    allowed.push(request.lostOnce)
    return claim(request)
  }
  await webhooks.start()
  await clock.advance(60_000)
  // Nothing is known before the first: then two events are twenty requests, twice as many as are sent at once.
  expect(allowed[0]).toBe(20)
  expect(allowed.at(-1)).toBe(2)
  expect((await store.listAttempts({ tenant: 'acme' }, { limit: 5_000 })).rows).toHaveLength(1_000)
  await webhooks.stop()
})

it('takes the next of them as soon as those before are through, however much of the rest it has', async () => {
  const { webhooks, store, transport, clock, subscribe } = setup({
    concurrency: 4,
    answer: async () => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, 100))
      return { status: 204 }
    },
  })
  await subscribe()
  const publish = (count: number, type: string) =>
    webhooks.publishMany(Array.from({ length: count }, (_, n) => ({ type, data: { n }, tenantId: 'acme' })))
  await publish(60, 'lost')
  const killed = { token: 'killed', leaseMs: 5_000, limit: 60, perTenant: 60, perSubscription: 60 }
  expect((await store.claim({ ...killed, shares: new Map(), alone: false })).work).toHaveLength(60)
  await clock.advance(5_001)
  await publish(800, 'fresh')
  await webhooks.start()
  await clock.advance(100_000)
  const types = transport.requests.map(
    ({ body }) => (JSON.parse(Buffer.from(body).toString()) as { type: string }).type,
  )
  expect(types.filter((type) => type === 'lost')).toHaveLength(60)
  expect(types).toHaveLength(860)
  // 260 of the others had been claimed when the second eight were.
  expect(types.lastIndexOf('lost')).toBeLessThan(100)
  await webhooks.stop()
})

it('begins with such rows a moment later than another worker may, and only where they are there still', async () => {
  const clock = manualClock()
  const worker = { busy: true, claimOnce: async () => ({ count: 0 }), keepFree: () => {} }
  const suspects = createSuspects(clock, () => 0.5, worker as never)
  expect(suspects.begin(true)).toBe(false)
  await clock.advance(499)
  expect(suspects.begin(null)).toBe(false)
  expect(suspects.begin(true)).toBe(false)
  await clock.advance(1)
  expect(suspects.begin(true)).toBe(true)
  suspects.end()
  expect(suspects.begin(true)).toBe(false)
  await clock.advance(2_499)
  expect(suspects.begin(false)).toBe(false)
  await clock.advance(1)
  expect(suspects.begin(true)).toBe(false)
  await clock.advance(500)
  expect(suspects.begin(true)).toBe(true)
})

it('takes nothing beside such a row, although it was idle', async () => {
  const { webhooks, store, clock, transport, subscribe } = setup({
    answer: async () => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, 300))
      return { status: 204 }
    },
  })
  await subscribe()
  await webhooks.publish('suspect', {}, { tenantId: 'acme' })
  const killed = { leaseMs: 1_000, limit: 10, perTenant: 10, perSubscription: 10, alone: false }
  for (const token of ['killed', 'killed too']) {
    expect((await store.claim({ ...killed, token, shares: new Map() })).work).toHaveLength(1)
    await clock.advance(1_001)
  }
  const claims: boolean[] = []
  const { claim } = store
  store.claim = async (request) => {
    const claimed = await claim(request)
    if (claimed.work.length > 0) claims.push(request.alone)
    return claimed
  }
  await webhooks.start()
  await clock.advance(100)
  expect(claims).toEqual([true])
  await webhooks.publish('beside', {}, { tenantId: 'acme' })
  await clock.advance(100)
  expect(claims).toEqual([true])
  expect(transport.requests).toHaveLength(1)
  await clock.advance(1_000)
  expect(claims).toEqual([true, false])
  expect(transport.requests).toHaveLength(2)
  await webhooks.stop()
})
