/** The routes over subscriptions, as their callers see them. */
import { describe, expect, it } from 'vitest'
import { api } from './setup.ts'

const url = 'https://receiver.example/hook'

describe('subscriptions over HTTP', () => {
  it.each(['"headers":{"__proto__":"v"}', '"metadata":{"__proto__":"v"}', '"__proto__":{}'])(
    'regression: are refused with %s, which would go unheard',
    async (field) => {
      const { call } = api()
      const json = JSON.parse(`{"url":"${url}","events":["order.*"],${field}}`)
      const answer = await call('POST', '/subscriptions', { json })
      expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining('__proto__') } })
    },
  )

  it('are created with a secret that no other answer shows', async () => {
    const { call } = api()
    const created = await call('POST', '/subscriptions', { json: { url, events: ['order.*'], name: 'n' } })
    expect(created.status).toBe(201)
    const { subscription, secret } = created.body as unknown as {
      subscription: { id: string }
      secret: string
    }
    expect(subscription).toMatchObject({
      tenantId: 'acme',
      url,
      events: ['order.*'],
      name: 'n',
      state: 'active',
    })
    expect(created.headers.get('location')).toBe(`/subscriptions/${subscription.id}`)
    expect(created.headers.get('etag')).toBe('"1"')
    expect(secret).toMatch(/^whsec_/)
    expect(created.body.secrets).toEqual([{ secret, schemes: ['standard-webhooks'] }])
    const path = `/subscriptions/${subscription.id}`
    for (const [method, at] of [
      ['GET', path],
      ['GET', '/subscriptions'],
      ['PATCH', path],
      ['POST', `${path}/pause`],
      ['POST', `${path}/resume`],
    ] as const) {
      const { text, status } = await call(method, at, method === 'PATCH' ? { json: { name: 'x' } } : {})
      expect(status).toBe(200)
      expect(text).not.toContain(secret.slice(6))
    }
  })

  it('never show the values of custom headers', async () => {
    const { call } = api()
    const headers = { authorization: 'Bearer obviously-fake-value' }
    const created = await call('POST', '/subscriptions', { json: { url, headers } })
    expect(created.body.subscription?.headerNames).toEqual(['authorization'])
    expect(created.text).not.toContain('obviously-fake-value')
  })

  it('are changed field by field; null clears', async () => {
    const { call, subscribe } = api()
    const { subscription } = await subscribe('acme', { name: 'n', description: 'd' })
    const path = `/subscriptions/${subscription.id}`
    const changed = await call('PATCH', path, { json: { name: null, events: ['order.paid'] } })
    expect(changed.body).toMatchObject({ name: null, description: 'd', events: ['order.paid'], revision: 2 })
    expect(changed.headers.get('etag')).toBe('"2"')
  })

  it('are changed with If-Match only as they were read', async () => {
    const { call, subscribe } = api()
    const { subscription } = await subscribe()
    const path = `/subscriptions/${subscription.id}`
    const ifMatch = (tag: string, name: string) =>
      call('PATCH', path, { json: { name }, headers: { 'if-match': tag } })
    expect((await ifMatch('"1"', 'first')).status).toBe(200)
    const late = await ifMatch('"1"', 'second')
    expect(late).toMatchObject({ status: 412, body: { code: 'PRECONDITION_FAILED' } })
    expect((await ifMatch('"nonsense"', 'third')).status).toBe(412)
    expect((await ifMatch('W/"2"', 'fourth')).status).toBe(200)
    expect((await ifMatch('*', 'fifth')).body.name).toBe('fifth')
    const elsewhere = await call('POST', `${path}/pause`, { headers: { 'if-match': '"1"' } })
    expect(elsewhere.status).toBe(412)
  })

  it('pause, resume, disable and enable', async () => {
    const { call, subscribe } = api()
    const { subscription } = await subscribe()
    const act = async (verb: string, json?: object) => {
      const { status, body } = await call('POST', `/subscriptions/${subscription.id}/${verb}`, { json })
      return [status, status === 200 ? body.state : body.code]
    }
    expect(await act('pause')).toEqual([200, 'paused'])
    expect(await act('enable')).toEqual([409, 'CONFLICT'])
    expect(await act('resume')).toEqual([200, 'active'])
    expect(await act('disable')).toEqual([200, 'disabled'])
    expect(await act('enable', { pending: 'maybe' })).toEqual([400, 'INVALID_INPUT'])
    expect(await act('enable', { pending: 'drop' })).toEqual([200, 'active'])
  })

  it('rotate their secret, and show the new one once', async () => {
    const { call, subscribe } = api()
    const { subscription, secret } = await subscribe()
    const path = `/subscriptions/${subscription.id}`
    const rotated = await call('POST', `${path}/rotate-secret`, { json: { overlapMs: 60_000 } })
    expect(rotated.status).toBe(200)
    expect(rotated.body.secret).toMatch(/^whsec_/)
    expect(rotated.body.secret).not.toBe(secret)
    expect((await call('GET', path)).body.secrets).toHaveLength(2)
  })

  it('get a test event', async () => {
    const { call, subscribe, webhooks, transport } = api()
    const { subscription } = await subscribe('acme', { events: ['order.refunded'] })
    const sent = await call('POST', `/subscriptions/${subscription.id}/test`)
    expect(sent.status).toBe(202)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
    const delivery = await call('GET', `/deliveries/${sent.body.deliveryId}`)
    expect(delivery.body).toMatchObject({ test: true, state: 'succeeded', eventType: 'order.refunded' })
  })

  it('are deleted', async () => {
    const { call, subscribe } = api()
    const { subscription } = await subscribe()
    const path = `/subscriptions/${subscription.id}`
    const gone = await call('DELETE', path)
    expect([gone.status, gone.text]).toEqual([204, ''])
    expect((await call('GET', path)).status).toBe(404)
  })

  it('are listed in pages, by state, type and label', async () => {
    const { call, subscribe } = api()
    for (const n of ['1', '2', '3']) {
      await subscribe('acme', { metadata: { n }, events: n === '1' ? ['order.paid'] : ['order.refunded'] })
    }
    await subscribe('other')
    const first = await call('GET', '/subscriptions?limit=2&total=true')
    expect(first.body.items).toHaveLength(2)
    expect(first.body.total).toBe(3)
    const second = await call('GET', `/subscriptions?limit=2&cursor=${first.body.nextCursor}`)
    expect(second.body.items).toHaveLength(1)
    expect(second.body.nextCursor).toBeNull()
    expect((await call('GET', '/subscriptions?metadata[n]=2')).body.items).toHaveLength(1)
    expect((await call('GET', '/subscriptions?eventType=order.paid')).body.items).toHaveLength(1)
    expect((await call('GET', '/subscriptions?state=paused')).body.items).toHaveLength(0)
  })

  it.each([
    [{}, 'INVALID_URL'],
    [{ url: null }, 'INVALID_URL'],
    [{ url: 5 }, 'INVALID_URL'],
    [{ url: '' }, 'INVALID_URL'],
    [{ url: 'not a url' }, 'INVALID_URL'],
    [{ url: 'http://receiver.example/' }, 'INVALID_URL'],
    [{ url: `https://receiver.example/${'x'.repeat(2048)}` }, 'INVALID_URL'],
    [{ url, events: [] }, 'INVALID_PATTERN'],
    [{ url, events: 'order.paid' }, 'INVALID_PATTERN'],
    [{ url, events: ['order.payed'] }, 'UNKNOWN_EVENT_TYPE'],
    [{ url, events: ['or*der'] }, 'INVALID_PATTERN'],
    [{ url, name: 'x'.repeat(256) }, 'INVALID_INPUT'],
    [{ url, name: 7 }, 'INVALID_INPUT'],
    [{ url, headers: { host: 'x' } }, 'INVALID_HEADERS'],
    [{ url, headers: { 'x-a': 'b\r\nc: d' } }, 'INVALID_HEADERS'],
    [{ url, headers: { 'x-a': 1 } }, 'INVALID_HEADERS'],
    [{ url, secret: '' }, 'INVALID_SECRET'],
    [{ url, secret: 'x'.repeat(256) }, 'INVALID_SECRET'],
    [{ url, metadata: { a: 1 } }, 'INVALID_INPUT'],
    [{ url, metadata: { a: 'x'.repeat(501) } }, 'INVALID_INPUT'],
    [{ url, retry: { delaysMs: [-1], jitter: 0 } }, 'INVALID_INPUT'],
    [{ url, signing: [{ spec: { scheme: 'none-such' } }] }, 'INVALID_INPUT'],
    [{ url, id: 'with space' }, 'INVALID_INPUT'],
    [{ url, urll: url }, 'INVALID_INPUT'],
    [[], 'INVALID_INPUT'],
    ['text', 'INVALID_INPUT'],
    [null, 'INVALID_INPUT'],
  ])('refuse %j', async (json, code) => {
    const { call } = api()
    const answer = await call('POST', '/subscriptions', { json })
    expect(answer).toMatchObject({ status: 400, body: { code, status: 400 } })
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect((await call('GET', '/subscriptions')).body.items).toEqual([])
  })

  it('take the fields at their limits', async () => {
    const { call } = api()
    const json = {
      id: 'i'.repeat(64),
      url: `https://receiver.example/${'x'.repeat(2048 - 25)}`,
      name: '名'.repeat(255),
      description: 'd'.repeat(1000),
      metadata: { ['k'.repeat(128)]: 'v'.repeat(500) },
      headers: { 'x-long': 'v'.repeat(4096) },
      retry: { delaysMs: [0, 604_800_000], jitter: 1 },
      signing: [
        { spec: { scheme: 'standard-webhooks', prefix: 'webhook' } },
        { spec: { scheme: 'standard-webhooks', prefix: 'svix' }, until: '2099-01-01T00:00:00Z' },
      ],
    }
    const created = await call('POST', '/subscriptions', { json })
    expect(created.status).toBe(201)
    const { signing, retry } = created.body.subscription as unknown as Record<string, unknown>
    expect(retry).toEqual(json.retry)
    const again = await call('PATCH', `/subscriptions/${json.id}`, { json: { signing, retry } })
    expect(again.body).toMatchObject({ signing, retry })
  })
})
