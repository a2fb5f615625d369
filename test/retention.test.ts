/** What is kept, and for how long: pruning by any worker, its windows, and erasing a tenant. */
import { describe, expect, it } from 'vitest'
import { anyTenant } from '../src/model.ts'
import { setup } from './support/setup.ts'

const DAY_MS = 86_400_000

/** Published, delivered, and so many days ago. */
async function history(days: number, options: Parameters<typeof setup>[0] = {}, count = 1) {
  const parts = setup(options)
  await parts.subscribe()
  const all = Array.from({ length: count }, (_, nth) => ({
    type: 'order.paid',
    data: { nth },
    tenantId: 'acme',
    id: `e${nth}`,
    idempotencyKey: `k${nth}`,
  }))
  await parts.webhooks.publishMany(all)
  await parts.webhooks.drain()
  await parts.clock.advance(days * DAY_MS)
  const rows = async () => {
    const page = { tenantId: 'acme', limit: 1, total: true } as const
    const [events, deliveries, attempts] = await Promise.all([
      parts.webhooks.events.list(page),
      parts.webhooks.deliveries.list(page),
      parts.webhooks.attempts.list(page),
    ])
    return [events.total, deliveries.total, attempts.total]
  }
  return { ...parts, rows }
}

describe('retention', () => {
  it('keeps finished history for 30 days, and prunes it then', async () => {
    const young = await history(29)
    await young.webhooks.drain()
    expect(await young.rows()).toEqual([1, 1, 1])
    const old = await history(31)
    await old.webhooks.drain()
    expect(await old.rows()).toEqual([0, 0, 0])
  })

  it('frees idempotency keys after 7 days, and keeps the event', async () => {
    const { webhooks, rows } = await history(8)
    await webhooks.drain()
    expect(await rows()).toEqual([1, 1, 1])
    const again = await webhooks.publish('order.paid', {}, { tenantId: 'acme', idempotencyKey: 'k0' })
    expect(again.duplicate).toBe(false)
  })

  it('has windows of their own for bodies and for rows', async () => {
    const { webhooks, rows } = await history(3, { retention: { bodiesMs: 2 * DAY_MS } })
    await webhooks.drain()
    expect(await rows()).toEqual([1, 1, 1])
    expect((await webhooks.events.get('e0', { tenantId: 'acme' })).body).toBeNull()
    const { items } = await webhooks.deliveries.list({ tenantId: 'acme' })
    const redelivered = webhooks.deliveries.redeliver(items[0]?.id ?? '', { tenantId: 'acme' })
    await expect(redelivered).rejects.toMatchObject({ code: 'EVENT_PRUNED' })
  })

  it('keeps everything when it is off', async () => {
    const { webhooks, rows } = await history(4_000, { retention: false })
    await webhooks.drain()
    expect(await rows()).toEqual([1, 1, 1])
  })

  it('never prunes what is undelivered', async () => {
    const { webhooks, rows, subscribe, clock } = await history(0, { maxAgeMs: 90 * DAY_MS })
    const { subscription } = await subscribe()
    await webhooks.subscriptions.pause(subscription.id, { tenantId: 'acme' })
    await webhooks.publish('order.paid', {}, { tenantId: 'acme' })
    await webhooks.drain()
    await clock.advance(60 * DAY_MS)
    await webhooks.drain()
    expect(await rows()).toEqual([1, 2, 1])
  })

  it('catches up with a backlog of any size at its own pace, without waiting ten minutes for each batch', async () => {
    const { webhooks, rows, clock } = await history(31, { concurrencyPerSubscription: 100 }, 2_500)
    await webhooks.start()
    await clock.advance(600_000)
    await clock.advance(30_000)
    await webhooks.stop()
    expect(await rows()).toEqual([0, 0, 0])
  })

  it('prunes from ticks of processes that live for seconds', async () => {
    const { webhooks, rows } = await history(31)
    await webhooks.tick({ budgetMs: 5_000 })
    expect(await rows()).toEqual([0, 0, 0])
  })

  it.each([{ finishedMs: 1 }, { bodiesMs: -1 }, { keysMs: 'a week' }, { days: 3 }, true])(
    'refuses %j',
    (retention) => {
      expect(() => setup({ retention: retention as never })).toThrow(
        expect.objectContaining({ code: 'INVALID_OPTION' }),
      )
    },
  )
})

describe('eraseTenant', () => {
  it('erases every row of a tenant, in as many steps as it takes, and nobody else’s', async () => {
    const { webhooks, rows, subscribe } = await history(0, { concurrencyPerSubscription: 100 }, 1_200)
    await subscribe('other')
    await webhooks.publish('order.paid', {}, { tenantId: 'other' })
    await webhooks.publish('order.paid', {}, { tenantId: 'acme', deliverAt: new Date(Date.UTC(2026, 0, 5)) })
    await webhooks.eraseTenant('acme')
    expect(await rows()).toEqual([0, 0, 0])
    expect((await webhooks.subscriptions.list({ tenantId: 'acme' })).items).toEqual([])
    await webhooks.drain()
    expect((await webhooks.deliveries.list({ tenantId: 'other' })).items).toHaveLength(1)
    await webhooks.eraseTenant('acme')
  })

  it('lets the tenant come back: what a worker remembers of the old one costs the new one no event', async () => {
    const { webhooks, transport, subscribe } = await history(0)
    await webhooks.eraseTenant('acme')
    await subscribe('acme', { url: 'https://receiver.example/new' })
    await webhooks.publish('order.paid', {}, { tenantId: 'acme' })
    await webhooks.drain()
    expect(transport.requests.map(({ url }) => url)).toEqual([
      'https://receiver.example/hook',
      'https://receiver.example/new',
    ])
  })

  it.each([undefined, '', anyTenant, 7])('refuses %o', async (tenantId) => {
    const { webhooks } = setup()
    await expect(webhooks.eraseTenant(tenantId as never)).rejects.toMatchObject({
      code: expect.stringMatching(/^(TENANT_REQUIRED|INVALID_INPUT)$/),
    })
  })
})
