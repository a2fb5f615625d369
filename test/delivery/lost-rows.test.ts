/** What a killed worker had: few rows of it at a time, and first. */
import { expect, it } from 'vitest'
import { killed, slowSender } from '../support/killed-workers.ts'

const batch = (count: number, type: string) =>
  Array.from({ length: count }, (_, n) => ({ type, data: { n }, tenantId: 'acme' }))

it('has few rows at a time that lost a claim: were it killed, too, all of them would be suspects', async () => {
  const sender = slowSender(() => 300, { concurrency: 4 })
  const { webhooks, store, clock, count } = sender
  await sender.subscribe()
  await webhooks.publishMany(batch(20, 'lost'))
  await killed(sender, 20)
  let had = 0
  let most = 0
  const { claim } = store
  store.claim = async (request) => {
    const claimed = await claim(request)
    had += claimed.work.length
    most = Math.max(most, had - count.answered)
    return claimed
  }
  await webhooks.start()
  await clock.advance(10_000)
  expect(count.answered).toBe(20)
  expect(had).toBe(20)
  expect(most).toBe(8)
  await webhooks.stop()
})

it('has still fewer of them when each goes to many', async () => {
  const sender = slowSender(() => 300, { concurrency: 10 })
  const { webhooks, store, clock } = sender
  for (let number = 0; number < 10; number++) await sender.subscribe()
  await webhooks.publishMany(batch(100, 'lost'))
  await killed(sender, 100)
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
  const sender = slowSender(() => 100, { concurrency: 4 })
  const { webhooks, transport, clock } = sender
  await sender.subscribe()
  await webhooks.publishMany(batch(60, 'lost'))
  await killed(sender, 60)
  await webhooks.publishMany(batch(800, 'fresh'))
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

it('takes the next although one receiver of those before has not answered: once an outcome is stored a row has lost nothing', async () => {
  const sender = slowSender((url) => (url.includes('slow') ? 14_000 : 100), { concurrency: 20 })
  const { webhooks, transport, clock } = sender
  await sender.subscribe('acme', { url: 'https://slow.example/' })
  for (let number = 0; number < 4; number++) await sender.subscribe()
  await webhooks.publishMany(batch(80, 'lost'))
  await killed(sender, 80)
  await webhooks.start()
  await clock.advance(10_000)
  expect(transport.requests.filter(({ url }) => !url.includes('slow'))).toHaveLength(320)
  const stopped = webhooks.stop()
  await clock.advance(60_000)
  await stopped
})
