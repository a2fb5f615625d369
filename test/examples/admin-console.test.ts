/** admin-console over HTTP: its twelve endpoints. What it refuses is in admin-console-input.test.ts. */
import { describe, expect, it } from 'vitest'
import { adminConsole, BASE } from './admin-console.ts'
import type { Json } from './backend.ts'
import { hmacHex } from './receiver.ts'

const { backend, receiver, call, create, addUser, deliveries } = adminConsole()
const DATE = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
const ids = (body: Json): string[] => body.items.map((item: Json) => item.id)

describe('a webhook', () => {
  it('is created with a secret that is shown once, read, changed in part, and deleted', async () => {
    const { secret, ...made } = await create({ description: 'für alle ✓' })
    expect(made).toEqual({
      id: expect.stringMatching(/^wh_/),
      tenant_id: 'acme',
      partner_id: 'north',
      url: receiver.url,
      events: ['user.created'],
      description: 'für alle ✓',
      is_active: true,
      created_at: DATE,
      updated_at: DATE,
    })
    expect(secret).toMatch(/^\S{32,}$/)
    expect((await call('GET', `${BASE}/${made.id}`)).body).toEqual(made)
    const changes = { events: ['user.deleted'], description: null, is_active: false }
    const changed = await call('PATCH', `${BASE}/${made.id}`, changes)
    expect([changed.status, changed.body]).toEqual([200, { ...made, ...changes, updated_at: DATE }])
    expect((await call('PATCH', `${BASE}/${made.id}`, {})).body).toMatchObject(changes)
    expect(await call('DELETE', `${BASE}/${made.id}`)).toMatchObject({ status: 204, text: '' })
    for (const path of ['', '/deliveries', '/deliveries/1', '/stats'])
      expect(await call('GET', `${BASE}/${made.id}${path}`)).toMatchObject({
        status: 404,
        body: { detail: 'Webhook not found' },
      })
    for (const path of ['/deliveries/1/retry', '/rotate-secret', '/test'])
      expect((await call('POST', `${BASE}/${made.id}${path}`)).status).toBe(404)
    expect((await call('DELETE', `${BASE}/${made.id}`)).status).toBe(404)
  })

  it('is listed by page, with totals, with or without the trailing slash', async () => {
    const made: string[] = []
    for (let count = 0; count < 5; count++) made.unshift((await create()).id)
    const first = await call('GET', `${BASE}/?page=1&per_page=2`)
    expect(first.body).toMatchObject({ total: 5, page: 1, per_page: 2, pages: 3 })
    const pages = [
      first,
      await call('GET', `${BASE}/?page=2&per_page=2`),
      await call('GET', `${BASE}?page=3&per_page=2`),
    ]
    expect(pages.flatMap(({ body }) => ids(body))).toEqual(made)
    expect((await call('GET', `${BASE}/?page=4&per_page=2`)).body).toMatchObject({ items: [], total: 5 })
    expect((await call('GET', `${BASE}/`)).body).toMatchObject({ total: 5, page: 1, per_page: 20, pages: 1 })
  })

  it('is found by tenant and by partner', async () => {
    const [acme, apex, zeta] = [
      await create(),
      await create({ tenant_id: 'apex' }),
      await create({ tenant_id: 'zeta' }),
    ].map(({ id }) => id)
    const found = async (query: string, token?: string) =>
      ids((await call('GET', `${BASE}/?${query}`, undefined, token)).body)
    expect(await found('')).toEqual([zeta, apex, acme])
    expect(await found('tenant_id=apex')).toEqual([apex])
    expect(await found('partner_id=north')).toEqual([apex, acme])
    expect(await found('partner_id=south&tenant_id=acme')).toEqual([])
    expect(await found('tenant_id=nobody')).toEqual([])
    const { partnerToken, tenantToken } = backend.credentials.other
    expect(await found('', partnerToken)).toEqual([apex, acme])
    expect(await found('partner_id=south', partnerToken)).toEqual([])
    expect(await found('', tenantToken)).toEqual([acme])
    expect((await call('GET', `${BASE}/${zeta}`, undefined, partnerToken)).status).toBe(404)
    expect((await call('DELETE', `${BASE}/${apex}`, undefined, tenantToken)).status).toBe(404)
    const foreign = { url: receiver.url, events: ['user.created'], tenant_id: 'zeta' }
    expect((await call('POST', BASE, foreign, tenantToken)).status).toBe(422)
  })

  it('can want the events that are listed', async () => {
    const { status, body } = await call('GET', `${BASE}/events`)
    expect([status, body]).toEqual([200, { events: ['user.created', 'user.deleted'] }])
  })
})

describe('a token', () => {
  it('is a JWT that must be there, be ours, and have the scope', async () => {
    const [head, claims] = backend.credentials.token.split('.')
    const none = Buffer.from('{"alg":"none"}').toString('base64url')
    for (const token of ['', 'x', `${head}.${claims}.AAAA`, `${none}.${claims}.`]) {
      const { status, body, headers } = await call('GET', `${BASE}/`, undefined, token)
      expect([status, body]).toEqual([401, { detail: 'Not authenticated' }])
      expect(headers.get('www-authenticate')).toBe('Bearer')
    }
    expect((await backend.call('GET', `${BASE}/`)).status).toBe(401)
    expect((await call('GET', `${BASE}/`, undefined, backend.credentials.other.readToken)).status).toBe(403)
  })
})

describe('an event', () => {
  it('reaches the webhooks of its tenant that want it, signed', async () => {
    const { id, secret } = await create()
    await create({ tenant_id: 'apex', url: `${receiver.url}/foreign` })
    await create({ is_active: false, url: `${receiver.url}/off` })
    const user = await addUser()
    const { headers, raw, json } = await receiver.next()
    expect(json).toEqual({
      id: expect.any(String),
      event: 'user.created',
      created_at: DATE,
      tenant_id: 'acme',
      data: { user_id: user.id, email: 'ada@example.com' },
    })
    expect(headers).toMatchObject({
      'x-webhook-signature': `sha256=${hmacHex(secret, raw)}`,
      'x-webhook-id': json.id,
      'x-webhook-event': 'user.created',
    })
    await call('PATCH', `${BASE}/${id}`, { events: ['user.deleted'] })
    expect((await call('DELETE', `/api/v1/admin/users/${user.id}`)).status).toBe(204)
    expect((await receiver.next()).json.event).toBe('user.deleted')
    expect((await call('DELETE', `/api/v1/admin/users/${user.id}`)).status).toBe(404)
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hook', '/hook'])
  })

  it('is signed with the new secret alone once it was rotated', async () => {
    const { id, secret: old } = await create()
    const { status, body } = await call('POST', `${BASE}/${id}/rotate-secret`)
    expect([status, body]).toEqual([200, { webhook_id: id, secret: expect.any(String) }])
    expect(body.secret).not.toBe(old)
    await addUser()
    const { headers, raw } = await receiver.next()
    expect(headers['x-webhook-signature']).toBe(`sha256=${hmacHex(body.secret, raw)}`)
  })
})

describe('deliveries', () => {
  it('have growing whole numbers, are paged and filtered by status', async () => {
    const { id } = await create()
    for (let count = 0; count < 3; count++) await addUser()
    const all = await deliveries(id, (items) => items.length === 3)
    expect(all[0]).toEqual({
      id: expect.any(Number),
      webhook_id: id,
      event_type: 'user.created',
      status: 'success',
      attempts: 1,
      response_status: 204,
      next_retry_at: null,
      created_at: DATE,
      completed_at: DATE,
    })
    const numbers = all.map((item) => item.id)
    expect(numbers.every(Number.isInteger)).toBe(true)
    expect(new Set(numbers).size).toBe(3)
    const second = await call('GET', `${BASE}/${id}/deliveries?page=2&per_page=2`)
    expect(second.body).toEqual({ items: [all[2]], total: 3, page: 2, per_page: 2, pages: 2 })
    expect((await call('GET', `${BASE}/${id}/deliveries?status=success`)).body.total).toBe(3)
    for (const status of ['failed', 'pending', 'cancelled'])
      expect((await call('GET', `${BASE}/${id}/deliveries?status=${status}`)).body.total).toBe(0)
  })

  it('show their payload and every attempt, fail after the last one, and can be retried by hand then', async () => {
    const { id, secret } = await create()
    receiver.answers = [500, 500, 500, 500]
    await addUser()
    const [failed] = await deliveries(id, ([one]) => one?.status === 'failed', '?status=failed')
    expect(failed).toMatchObject({ attempts: 4, response_status: 500, next_retry_at: null })
    const path = `${BASE}/${id}/deliveries/${failed.id}`
    const detail = (await call('GET', path)).body
    expect(detail).toMatchObject({ ...failed, payload: receiver.received[0]?.json })
    expect(detail.history.map((one: Json) => [one.number, one.status])).toEqual([
      [4, 500],
      [3, 500],
      [2, 500],
      [1, 500],
    ])
    for (const _ of [1, 2, 3, 4]) await receiver.next()
    const retried = await call('POST', `${path}/retry`)
    expect([retried.status, retried.body.id]).toEqual([200, failed.id])
    const again = await receiver.next()
    expect(again.raw.equals(receiver.received[0]?.raw ?? Buffer.of())).toBe(true)
    expect(again.headers['x-webhook-signature']).toBe(`sha256=${hmacHex(secret, again.raw)}`)
    await deliveries(id, ([one]) => one?.status === 'success')
    const { status, body } = await call('POST', `${path}/retry`)
    expect([status, body.detail[0].loc]).toEqual([422, ['path', 'delivery_id']])
    expect((await call('GET', `${BASE}/${id}/stats`)).body).toMatchObject({ total: 1, success: 1, failed: 0 })
  })

  it('of another webhook or with an unknown number are not found', async () => {
    const [one, two] = [await create(), await create({ events: ['user.deleted'] })]
    await addUser()
    const [{ id: number }] = (await deliveries(one.id, (items) => items.length === 1)) as [Json]
    expect((await call('GET', `${BASE}/${two.id}/deliveries/${number}`)).status).toBe(404)
    for (const unknown of ['0', '-1', String(number + 1000), '9007199254740993', '9'.repeat(40)])
      expect((await call('GET', `${BASE}/${one.id}/deliveries/${unknown}`)).status).toBe(404)
  })

  it('add up to the stats', async () => {
    const { id } = await create()
    expect((await call('GET', `${BASE}/${id}/stats`)).body).toEqual({
      ...{ webhook_id: id, total: 0, success: 0, failed: 0, pending: 0, cancelled: 0 },
      ...{ success_rate: null, last_delivery_at: null },
    })
    receiver.answers = [410]
    await addUser()
    await deliveries(id, ([one]) => one?.status === 'failed')
    expect((await call('GET', `${BASE}/${id}`)).body.is_active).toBe(false)
    await call('PATCH', `${BASE}/${id}`, { is_active: true })
    await addUser()
    await deliveries(id, (items) => items.length === 2 && items[0]?.status === 'success')
    expect((await call('GET', `${BASE}/${id}/stats`)).body).toMatchObject({
      ...{ total: 2, success: 1, failed: 1, success_rate: 0.5, last_delivery_at: DATE },
    })
  })

  it('begin with a test, too', async () => {
    const { id, secret } = await create({ events: ['user.deleted'] })
    await create({ url: `${receiver.url}/other` })
    const { status, body } = await call('POST', `${BASE}/${id}/test`)
    expect([status, body]).toEqual([200, { event_type: 'user.deleted', delivery_id: expect.any(Number) }])
    const { headers, raw, path } = await receiver.next()
    expect(path).toBe('/hook')
    expect(headers['x-webhook-signature']).toBe(`sha256=${hmacHex(secret, raw)}`)
    const [delivery] = await deliveries(id, ([one]) => one?.status === 'success')
    expect(delivery.id).toBe(body.delivery_id)
  })
})
