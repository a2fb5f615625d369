/** The public calls over subscriptions, as their callers see them. */
import { describe, expect, it } from 'vitest'
import { anyTenant } from '../src/index.ts'
import { verify } from '../src/signing/index.ts'
import { setup } from './support/setup.ts'

describe('subscriptions', () => {
  it('read as missing for another tenant, and are found by an operator', async () => {
    const { webhooks, subscribe } = setup()
    const { subscription } = await subscribe('acme')
    const wrong = webhooks.subscriptions.get(subscription.id, { tenantId: 'other' })
    await expect(wrong).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const found = await webhooks.subscriptions.get(subscription.id, { tenantId: anyTenant })
    expect(found).toEqual(subscription)
  })

  it('keep absent fields and clear null ones on update', async () => {
    const { webhooks, subscribe } = setup()
    const { subscription } = await subscribe('acme', { name: 'n', description: 'd' })
    const updated = await webhooks.subscriptions.update(subscription.id, { name: null }, { tenantId: 'acme' })
    expect(updated).toMatchObject({ name: null, description: 'd', revision: 2 })
  })

  it.each([
    [{ tenantId: 'acme' }, 'tenantId belongs into the third argument: `update(id, { … }, { tenantId })`'],
    [
      { name: 'n', ifRevision: 1 },
      'ifRevision belongs into the third argument: `update(id, { … }, { tenantId, ifRevision })`',
    ],
    [{ state: 'paused' }, 'state is no field of a change: call `pause`, `resume`, `disable` or `enable`'],
    [{ id: 'sub_2' }, 'id of a subscription never changes: delete it, and create another'],
    [{ nmae: 'n' }, 'Unknown key "nmae" in the changes. Did you mean "name"?'],
  ])('say where what is no change belongs: %o', async (changes, says) => {
    const { webhooks, subscribe } = setup()
    const { subscription } = await subscribe('acme')
    const updating = webhooks.subscriptions.update(subscription.id, changes as never, { tenantId: 'acme' })
    const path = Object.keys(changes).at(-1)
    await expect(updating).rejects.toMatchObject({ code: 'INVALID_INPUT', path })
    await expect(updating).rejects.toThrow(says)
  })

  it('sign with both secrets during a rotation and with the new one alone afterwards', async () => {
    const { webhooks, subscribe, transport, clock } = setup()
    const { subscription, secret: old } = await subscribe()
    const options = { tenantId: 'acme', overlapMs: 60_000 }
    const { secret: fresh } = await webhooks.subscriptions.rotateSecret(subscription.id, options)
    const accepted = async (secret: string | null) => {
      await webhooks.publish('a', {}, { tenantId: 'acme' })
      await webhooks.drain()
      const request = transport.requests.at(-1)
      if (request === undefined || secret === null) throw new Error('nothing was sent')
      const { headers, body } = request
      return verify({ headers, body }, { secret, now: clock.now() / 1000 }).then(
        () => true,
        () => false,
      )
    }
    expect([await accepted(old), await accepted(fresh)]).toEqual([true, true])
    await clock.advance(60_001)
    expect([await accepted(old), await accepted(fresh)]).toEqual([false, true])
  })

  it('drop what piled up when they are enabled with `drop`', async () => {
    const { webhooks, subscribe, transport, clock } = setup({
      answer: (_request, nth) => (nth === 1 ? 500 : 200),
    })
    const { subscription } = await subscribe()
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await webhooks.drain()
    await webhooks.subscriptions.disable(subscription.id, { tenantId: 'acme' })
    await clock.advance(10_000)
    await webhooks.drain()
    await webhooks.subscriptions.enable(subscription.id, { tenantId: 'acme', pending: 'drop' })
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
    const { items } = await webhooks.deliveries.list({ tenantId: 'acme' })
    expect(items).toMatchObject([{ state: 'cancelled' }])
  })

  it('page by cursor without a gap or a repeat, and by offset with a total', async () => {
    const { webhooks, subscribe } = setup()
    for (let index = 0; index < 7; index++) await subscribe()
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await webhooks.subscriptions.list({
        tenantId: 'acme',
        limit: 3,
        ...(cursor && { cursor }),
      })
      seen.push(...page.items.map((item) => item.id))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    expect(new Set(seen).size).toBe(7)
    expect(seen).toHaveLength(7)
    const second = await webhooks.subscriptions.list({ tenantId: 'acme', limit: 3, offset: 6, total: true })
    expect(second).toMatchObject({ total: 7, items: [{ id: seen[6] }] })
    const forged = webhooks.subscriptions.list({ tenantId: 'acme', cursor: 'bm9uc2Vuc2U' })
    await expect(forged).rejects.toMatchObject({ code: 'INVALID_CURSOR' })
  })

  it.each([
    ['no tenant', { tenantId: undefined }, 'TENANT_REQUIRED'],
    ['every tenant', { tenantId: anyTenant }, 'TENANT_REQUIRED'],
    ['a URL that is none', { url: 'nonsense' }, 'INVALID_URL'],
    ['plain http', { url: 'http://receiver.example' }, 'INVALID_URL'],
    ['credentials in the URL', { url: 'https://a:b@receiver.example' }, 'INVALID_URL'],
    ['a URL of 2049 characters', { url: `https://receiver.example/${'x'.repeat(2024)}` }, 'INVALID_URL'],
    ['no events', { events: [] }, 'INVALID_PATTERN'],
    ['a star in the middle', { events: ['a.*.b'] }, 'INVALID_PATTERN'],
    ['a header of the signature', { headers: { 'Webhook-Signature': 'x' } }, 'INVALID_HEADERS'],
    ['a framing header', { headers: { 'content-length': '1' } }, 'INVALID_HEADERS'],
    ['a line break in a header', { headers: { 'x-a': 'b\r\nc: d' } }, 'INVALID_HEADERS'],
    ['an empty secret', { secret: '' }, 'INVALID_SECRET'],
    ['a name of 256 characters', { name: 'x'.repeat(256) }, 'INVALID_INPUT'],
    ['an unknown key', { evnets: ['*'] }, 'INVALID_INPUT'],
  ])('refuse %s with a typed error', async (_what, extra, code) => {
    const { webhooks, subscribe } = setup()
    await expect(subscribe('acme', extra)).rejects.toMatchObject({ code })
    expect((await webhooks.subscriptions.list({ tenantId: anyTenant })).items).toEqual([])
  })
})
