/** admin-console over HTTP: every invalid parameter is a 422 that says where. */
import { describe, expect, it } from 'vitest'
import { adminConsole, BASE } from './admin-console.ts'

const { call, create } = adminConsole()
const url = 'https://receiver.example/'
const good = { url: `${url}hook`, events: ['user.created'], tenant_id: 'acme' }
const violation = (loc: unknown[], type: unknown = expect.any(String)) => ({
  detail: [{ loc, msg: expect.any(String), type }],
})

describe('a body', () => {
  it.each([
    { url: `${url}${'a'.repeat(2048 - url.length)}` },
    { events: ['user.created', 'user.deleted'] },
    { description: null },
    { description: '' },
    { description: '🔑'.repeat(500) },
    { is_active: false },
    { unknown: 1 },
  ])('is taken: %#', async (fields) => {
    expect((await call('POST', `${BASE}/`, { ...good, ...fields })).status).toBe(201)
  })

  const bad: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ url: null }, 'string_type'],
    [{ url: 5 }, 'string_type'],
    [{ url: '' }, 'value_error'],
    [{ url: 'http://receiver.example/' }, 'value_error'],
    [{ url: 'https://10.0.0.1/' }, 'value_error'],
    [{ url: `${url}${'a'.repeat(2049 - url.length)}` }, 'string_too_long'],
    [{ events: null }, 'list_type'],
    [{ events: 'user.created' }, 'list_type'],
    [{ events: [] }, 'too_short'],
    [{ description: 5 }, 'string_type'],
    [{ description: 'x'.repeat(501) }, 'value_error'],
    [{ description: 'a\0b' }, 'value_error'],
    [{ is_active: 1 }, 'bool_type'],
    [{ is_active: null }, 'bool_type'],
  ]

  it.each([
    ...bad,
    [{ url: undefined }, 'missing'],
    [{ events: undefined }, 'missing'],
    [{ tenant_id: undefined }, 'missing'],
    [{ tenant_id: null }, 'string_type'],
    [{ tenant_id: 'nobody' }, 'value_error'],
  ] as const)('is refused on create: %j is a %s', async (fields, type) => {
    const { status, body } = await call('POST', `${BASE}/`, { ...good, ...fields })
    expect(status).toBe(422)
    expect(body.detail[0]).toEqual({ loc: ['body', Object.keys(fields)[0]], msg: expect.any(String), type })
    expect((await call('GET', `${BASE}/`)).body.total).toBe(0)
  })

  it.each(bad)('is refused on change, which changes nothing: %j is a %s', async (fields, type) => {
    const { secret: _, ...made } = await create()
    const { status, body } = await call('PATCH', `${BASE}/${made.id}`, { is_active: false, ...fields })
    expect(status).toBe(422)
    expect(body.detail[0]).toMatchObject({ loc: ['body', Object.keys(fields)[0]], type })
    expect((await call('GET', `${BASE}/${made.id}`)).body).toEqual(made)
  })

  it('names the place inside a list, and each problem', async () => {
    const { body } = await call('POST', `${BASE}/`, { ...good, events: ['user.created', 'x'], url: 5 })
    expect(body.detail.map(({ loc }: { loc: unknown }) => loc).sort()).toEqual([
      ['body', 'events', 1],
      ['body', 'url'],
    ])
  })

  it.each([
    ['', ['body'], 'missing'],
    ['{', ['body', 0], 'json_invalid'],
    ['[]', ['body'], 'dict_type'],
    ['null', ['body'], 'dict_type'],
  ])('that is no object is refused: %j', async (text, loc, type) => {
    const { status, body } = await call('POST', `${BASE}/`, text)
    expect([status, body]).toEqual([422, violation(loc, type)])
  })

  it.each([
    {},
    { tenant_id: 'acme' },
    { tenant_id: 'acme', email: 'no' },
    { tenant_id: 'x', email: 'a@b.co' },
  ])('of a user is refused: %j', async (user) => {
    expect((await call('POST', '/api/v1/admin/users/', user)).status).toBe(422)
  })
})

describe('a query or path', () => {
  it.each([
    ['page=0', 'page', 'greater_than_equal'],
    ['page=-1', 'page', 'greater_than_equal'],
    ['page=x', 'page', 'int_parsing'],
    ['page=', 'page', 'int_parsing'],
    ['page=1.5', 'page', 'int_parsing'],
    ['per_page=0', 'per_page', 'greater_than_equal'],
    ['per_page=101', 'per_page', 'less_than_equal'],
    ['per_page=ten', 'per_page', 'int_parsing'],
  ])('is refused: %s', async (query, field, type) => {
    const { id } = await create()
    for (const path of [`${BASE}/`, `${BASE}/${id}/deliveries`]) {
      const { status, body } = await call('GET', `${path}?${query}`)
      expect([status, body]).toEqual([422, violation(['query', field], type)])
    }
  })

  it.each([
    'page=1&per_page=1',
    'page=1&per_page=100',
    `page=${'9'.repeat(15)}`,
    'tenant_id=',
    'tenant_id=%F0%9F%94%91',
  ])('is taken: %s', async (query) => {
    expect((await call('GET', `${BASE}/?${query}`)).status).toBe(200)
  })

  it('with an unknown status or a delivery that is no number is refused', async () => {
    const { id } = await create()
    const { status, body } = await call('GET', `${BASE}/${id}/deliveries?status=lost`)
    expect([status, body]).toEqual([422, violation(['query', 'status'], 'literal_error')])
    for (const [method, path] of [
      ['GET', 'abc'],
      ['GET', '1.5'],
      ['POST', 'abc/retry'],
    ] as const) {
      const answer = await call(method, `${BASE}/${id}/deliveries/${path}`)
      expect([answer.status, answer.body]).toEqual([422, violation(['path', 'delivery_id'], 'int_parsing')])
    }
  })

  it('is looked at before the webhook is, and every problem is named', async () => {
    const asked = [
      ['GET', 'deliveries?page=0&per_page=x&status=lost', ['page', 'per_page', 'status']],
      ['GET', 'deliveries/abc', ['delivery_id']],
      ['POST', 'deliveries/abc/retry', ['delivery_id']],
    ] as const
    for (const [method, path, fields] of asked) {
      const { status, body } = await call(method, `${BASE}/unknown/${path}`)
      expect([status, body.detail?.map(({ loc }: { loc: string[] }) => loc[1])]).toEqual([422, fields])
    }
    expect((await call('PATCH', `${BASE}/unknown`, { url: 5 })).status).toBe(422)
    expect((await call('PATCH', `${BASE}/unknown`, {})).status).toBe(404)
  })

  it('to an unknown route answers 404', async () => {
    expect(await call('GET', '/api/v1/admin/nothing')).toMatchObject({
      status: 404,
      body: { detail: 'Not Found' },
    })
    expect((await call('GET', `${BASE}/%00`)).status).toBe(404)
  })
})
