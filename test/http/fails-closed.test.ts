/** Test 69: without a clear answer of the host there is no answer of ours. */
import { describe, expect, it } from 'vitest'
import { createHandler } from '../../src/http/index.ts'
import { anyTenant } from '../../src/index.ts'
import { setup } from '../support/setup.ts'

const get = (path = '/subscriptions') => new Request(`http://api.test${path}`)

async function secretive(authorize: unknown, extra: object = {}) {
  const { webhooks, clock, subscribe } = setup()
  await subscribe('acme', { name: 'obviously-private' })
  const handler = createHandler(webhooks, { authorize, clock, ...extra } as never)
  return { handler, clock, webhooks }
}

const refused: readonly (readonly [string, unknown])[] = [
  ['no options', undefined],
  ['null', null],
  ['no authorize', {}],
  ['authorize: undefined', { authorize: undefined }],
  ['authorize: null', { authorize: null }],
  ['authorize: true', { authorize: true }],
  ['authorize: an object', { authorize: { role: 'admin' } }],
  ['a misspelt option', { authorize: () => null, basepath: '/x' }],
  ['a base path with a query', { authorize: () => null, basePath: '/x?y' }],
  ['a body limit of nothing', { authorize: () => null, maxBodyBytes: 0 }],
]

describe('a handler', () => {
  it.each(refused)('is not made with %s', (_name, options) => {
    const { webhooks } = setup()
    expect(() => createHandler(webhooks, options as never)).toThrow(
      expect.objectContaining({ name: 'PosthornError', code: 'INVALID_OPTION' }),
    )
  })
})

describe('authorize', () => {
  const broken = () => {
    throw new Error('obviously-private reason')
  }
  it.each([
    ['throws', broken, 503],
    ['rejects', async () => broken(), 503],
    ['returns undefined', () => undefined, 401],
    ['resolves to undefined', async () => undefined, 401],
    ['returns null', () => null, 401],
    ['returns false', () => false, 401],
    ['returns true', () => true, 503],
    ['returns a text', () => 'admin', 503],
    ['returns a number', () => 1, 503],
    ['returns an empty object', () => ({}), 503],
    ['returns an array', () => ['admin'], 503],
    ['returns a function', () => () => ({ role: 'admin' }), 503],
    ['returns an unknown role', () => ({ role: 'root', tenantId: 'acme' }), 503],
    ['returns a role in other case', () => ({ role: 'Admin' }), 503],
    ['returns no role', () => ({ tenantId: 'acme' }), 503],
    ['returns a tenant without id', () => ({ role: 'tenant' }), 503],
    ['returns a reader without id', () => ({ role: 'read-only', tenantId: undefined }), 503],
    ['returns an empty tenant', () => ({ role: 'tenant', tenantId: '' }), 503],
    ['returns a null tenant', () => ({ role: 'admin', tenantId: null }), 503],
    ['returns a tenant that is a number', () => ({ role: 'tenant', tenantId: 5 }), 503],
    ['returns a tenant that is a list', () => ({ role: 'admin', tenantId: ['acme'] }), 503],
    ['returns a tenant that means all', () => ({ role: 'tenant', tenantId: anyTenant }), 503],
    ['returns a tenant that is too long', () => ({ role: 'tenant', tenantId: 'x'.repeat(256) }), 503],
  ])('that %s gives %s', async (_name, authorize, status) => {
    const { handler } = await secretive(authorize)
    for (const path of ['/subscriptions', '/nothing', '/openapi.json']) {
      const response = await handler(get(path))
      expect(response.status).toBe(status)
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(await response.text()).not.toContain('obviously-private')
    }
  })

  it('that hangs is given up after ten seconds; what it says then is not heard', async () => {
    let decide: (answer: unknown) => void = () => {}
    const { handler, clock } = await secretive(() => new Promise((resolve) => (decide = resolve)))
    const answer = handler(get())
    let done = false
    answer.then(() => (done = true))
    await clock.advance(9_999)
    expect(done).toBe(false)
    await clock.advance(1)
    const response = await answer
    decide({ role: 'admin' })
    expect(response.status).toBe(503)
    expect(await response.text()).not.toContain('obviously-private')
  })

  it('that returns a Response is passed through untouched', async () => {
    const { handler } = await secretive(
      () => new Response('log in', { status: 302, headers: { location: '/login', 'set-cookie': 'a=b' } }),
    )
    const response = await handler(get())
    expect([response.status, response.headers.get('location')]).toEqual([302, '/login'])
    expect(response.headers.get('set-cookie')).toBe('a=b')
    expect(await response.text()).toBe('log in')
  })

  it('that throws is told to the host', async () => {
    const told: unknown[] = []
    const { handler } = await secretive(broken, { onError: (error: unknown) => told.push(error) })
    await handler(get())
    expect(told).toMatchObject([{ message: 'obviously-private reason' }])
  })

  it('may read a clone of the body; the body itself is the route’s', async () => {
    const request = () =>
      new Request('http://api.test/subscriptions', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"url":"https://receiver.example/"}',
      })
    const authorization = { role: 'tenant', tenantId: 'acme' }
    const kind = await secretive(async (r: Request) => (await r.clone().text()) && authorization)
    expect((await kind.handler(request())).status).toBe(201)
    const greedy = await secretive(async (r: Request) => (await r.text()) && authorization)
    expect((await greedy.handler(request())).status).toBe(500)
  })

  it('needs no tenant where the sender has a default one, and a reader of everything says so', async () => {
    const { webhooks, clock, subscribe } = setup({ defaultTenant: 'solo' })
    await subscribe('solo')
    const count = async (authorization: object) => {
      const handler = createHandler(webhooks, { authorize: () => authorization as never, clock })
      return (await (await handler(get())).json()).items?.length
    }
    expect(await count({ role: 'tenant' })).toBe(1)
    expect(await count({ role: 'read-only' })).toBe(1)
    await subscribe('other')
    expect(await count({ role: 'tenant' })).toBe(1)
    expect(await count({ role: 'read-only', tenantId: anyTenant })).toBe(2)
    expect(await count({ role: 'admin' })).toBe(2)
  })
})
