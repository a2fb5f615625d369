/** What the handler does on every route, whatever the route: headers, methods, media types, keys, tenants. */
import { describe, expect, it } from 'vitest'
import { createHandler } from '../../src/http/index.ts'
import { routes } from '../../src/http/routes.ts'
import { api, authorizeByHeader } from './setup.ts'

const json = { url: 'https://receiver.example/hook' }
const fill = (path: string) => path.replace(/\{\w+\}/g, 'nothing')

describe('every answer', () => {
  it.each(routes.map(({ method, path }) => [method, path]))(
    '%s %s forbids caching, sniffing, framing and foreign origins',
    async (method, path) => {
      const { call } = api()
      for (const as of [null, 'read-only acme', 'admin']) {
        const { headers } = await call(method, fill(path), { as })
        expect(Object.fromEntries(headers)).toMatchObject({
          'cache-control': 'no-store',
          'x-content-type-options': 'nosniff',
          'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
        })
        expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
      }
    },
  )
})

describe('the handler', () => {
  it('answers HEAD like GET, without a body', async () => {
    const { call } = api()
    const head = await call('HEAD', '/subscriptions')
    expect([head.status, head.text]).toEqual([200, ''])
  })

  it.each([
    ['PUT', '/subscriptions', 'GET, HEAD, POST'],
    ['OPTIONS', '/subscriptions/x/pause', 'POST'],
    ['GET', '/subscriptions/x/pause', 'POST'],
  ])('answers %s %s with 405 and what is allowed', async (method, path, allow) => {
    const { call } = api()
    const answer = await call(method, path)
    expect(answer).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } })
    expect(answer.headers.get('allow')).toBe(allow)
  })

  it.each(['/', '/nothing', '/subscriptions/', '/subscriptions//pause', '/subscriptions/%ZZ'])(
    'knows no route %s',
    async (path) => {
      const { call } = api()
      expect(await call('GET', path)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    },
  )

  it('reads an id that no row can have as missing', async () => {
    const { call } = api()
    for (const id of ['%00', 'x'.repeat(256), '%F0%9F%92%A9', '..%2Fother'])
      expect((await call('GET', `/subscriptions/${id}`)).status).toBe(404)
    for (const id of ['%00', 'x'.repeat(601), '%F0%9F%92%A9', '%5B1%2C%22acme%22%2C%22%22%5D']) {
      expect((await call('GET', `/jobs/${id}`)).status).toBe(404)
      expect((await call('POST', `/jobs/${id}/stop`)).status).toBe(404)
    }
  })

  it('lives below its base path', async () => {
    const { call } = api({ basePath: '/hooks/' })
    expect((await call('GET', '/subscriptions')).status).toBe(404)
    const created = await call('POST', '/hooks/subscriptions', { json })
    expect(created.headers.get('location')).toMatch(/^\/hooks\/subscriptions\/sub_/)
  })

  it.each([
    'limit=0',
    'limit=1001',
    'limit=x',
    'limit=1&limit=2',
    'limitt=1',
    'total=yes',
    'state=on',
    '__proto__=1',
  ])('refuses the query %s', async (query) => {
    const { call } = api()
    expect(await call('GET', `/subscriptions?${query}`)).toMatchObject({
      status: 400,
      body: { code: 'INVALID_INPUT' },
    })
  })

  it('tells the host, and nobody else, what went wrong inside', async () => {
    const told: unknown[] = []
    const broken = new Error('obviously-internal detail')
    const { handler, webhooks, clock } = api()
    const failing = createHandler(
      { ...webhooks, subscriptions: { ...webhooks.subscriptions, list: () => Promise.reject(broken) } },
      { authorize: authorizeByHeader, clock, onError: (error) => told.push(error) },
    )
    const request = () =>
      new Request('http://api.test/subscriptions', { headers: { 'x-caller': 'tenant acme' } })
    const response = await failing(request())
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('obviously-internal')
    expect(told).toEqual([broken])
    expect((await handler(request())).status).toBe(200)
  })
})

describe('Idempotency-Key', () => {
  const headers = { 'idempotency-key': 'key-1' }

  it('makes one subscription of two creates, and gives both the same answer', async () => {
    const { call } = api()
    const [first, second] = await Promise.all([
      call('POST', '/subscriptions', { json, headers }),
      call('POST', '/subscriptions', { json, headers }),
    ])
    expect(second.text).toBe(first.text)
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect((await call('GET', '/subscriptions')).body.items).toHaveLength(1)
  })

  it('refuses another request with the same key', async () => {
    const { call } = api()
    await call('POST', '/subscriptions', { json, headers })
    const other = await call('POST', '/subscriptions', { json: { ...json, name: 'other' }, headers })
    expect(other).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } })
  })

  it('belongs to its tenant: the answer of one is never the answer of another', async () => {
    const { call } = api()
    const acme = await call('POST', '/subscriptions', { json, headers })
    const other = await call('POST', '/subscriptions', { json, headers, as: 'tenant other' })
    expect(other.status).toBe(201)
    expect(other.body.secret).not.toBe(acme.body.secret)
  })

  it('keeps no error: the corrected request goes through', async () => {
    const { call } = api()
    expect((await call('POST', '/subscriptions', { json: {}, headers })).status).toBe(400)
    expect((await call('POST', '/subscriptions', { json, headers })).status).toBe(201)
  })

  it('forgets after a day', async () => {
    const { call, clock } = api()
    await call('POST', '/subscriptions', { json, headers })
    await clock.advance(86_400_001)
    await call('POST', '/subscriptions', { json, headers })
    expect((await call('GET', '/subscriptions')).body.items).toHaveLength(2)
  })

  it.each(['', 'ü', 'x'.repeat(256)])('refuses the key %j', async (key) => {
    const { call } = api()
    const answer = await call('POST', '/subscriptions', { json, headers: { 'idempotency-key': key } })
    expect(answer.status).toBe(400)
  })
})

describe('an admin', () => {
  it('acts for the tenant that is named, sees every one, and must name one to create', async () => {
    const { call } = api()
    const as = 'admin'
    expect(await call('POST', '/subscriptions', { as, json })).toMatchObject({
      status: 400,
      body: { code: 'TENANT_REQUIRED' },
    })
    await call('POST', '/subscriptions', { as, json: { ...json, tenantId: 'acme' } })
    await call('POST', '/subscriptions?tenantId=other', { as, json })
    expect((await call('GET', '/subscriptions', { as })).body.items).toHaveLength(2)
    expect((await call('GET', '/subscriptions?tenantId=other', { as })).body.items).toMatchObject([
      { tenantId: 'other' },
    ])
    const both = await call('POST', '/subscriptions?tenantId=other', {
      as,
      json: { ...json, tenantId: 'acme' },
    })
    expect(both.status).toBe(403)
  })

  it('of one tenant stays within it', async () => {
    const { call, subscribe } = api()
    const { subscription } = await subscribe('other')
    const as = 'admin acme'
    expect((await call('GET', `/subscriptions/${subscription.id}`, { as })).status).toBe(404)
    expect((await call('GET', '/subscriptions?tenantId=other', { as })).status).toBe(403)
  })
})
