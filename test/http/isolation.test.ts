/**
 * Tests 65 and 66 of the reliability plan, derived from the route table: no id of another tenant is more than a missing
 * one, and nothing that a foreign page can send changes anything.
 */
import { describe, expect, it } from 'vitest'
import type { Route } from '../../src/http/route.ts'
import { routes } from '../../src/http/routes.ts'
import { anyTenant } from '../../src/index.ts'
import { type Answer, api, type Call } from './setup.ts'

const OWNER = 'acme'
const CANARY = 'obviously-foreign-canary'

/** Two tenants' world: what acme has, in every kind of row. */
async function world() {
  const parts = api({ answer: () => 500 })
  const { webhooks, subscribe } = parts
  const { subscription } = await subscribe(OWNER, {
    name: CANARY,
    description: CANARY,
    metadata: { label: CANARY },
  })
  const { id: event } = await webhooks.publish(
    'order.paid',
    { orderId: CANARY, amount: 1 },
    { tenantId: OWNER, metadata: { label: CANARY } },
  )
  await webhooks.drain()
  const { items } = await webhooks.deliveries.list({ tenantId: OWNER })
  const { jobId: job } = await webhooks.deliveries.retryAll({ tenantId: OWNER })
  const [delivery] = items
  if (delivery === undefined) throw new Error('nothing was delivered')
  const state = async () =>
    JSON.stringify([
      await webhooks.subscriptions.list({ tenantId: anyTenant }),
      await webhooks.deliveries.list({ tenantId: anyTenant }),
      (await webhooks.events.list({ tenantId: anyTenant })).items.map(({ id }) => id),
      await webhooks.jobs.list({ tenantId: anyTenant }),
    ])
  return { ...parts, ids: { subscription: subscription.id, event, delivery: delivery.id, job }, state }
}

type World = Awaited<ReturnType<typeof world>>

/** Which row a route's ids mean, and a body that the route takes. A route without an entry fails the test. */
const ENTRIES: Readonly<Record<string, { readonly id?: keyof World['ids']; json?(id: string): unknown }>> = {
  listSubscriptions: {},
  createSubscription: { json: () => ({ url: 'https://receiver.example/mine' }) },
  matchSubscriptions: { json: () => ({ type: 'order.paid', data: {} }) },
  getSubscription: { id: 'subscription' },
  updateSubscription: { id: 'subscription', json: () => ({ name: 'mine now' }) },
  deleteSubscription: { id: 'subscription' },
  pauseSubscription: { id: 'subscription' },
  resumeSubscription: { id: 'subscription' },
  disableSubscription: { id: 'subscription' },
  enableSubscription: { id: 'subscription', json: () => ({}) },
  rotateSecret: { id: 'subscription', json: () => ({}) },
  testSubscription: { id: 'subscription', json: () => ({}) },
  listDeliveries: {},
  getDelivery: { id: 'delivery' },
  listAttemptsOfDelivery: { id: 'delivery' },
  redeliver: { id: 'delivery' },
  cancelDelivery: { id: 'delivery' },
  retryAll: { id: 'subscription', json: (subscription) => ({ subscription }) },
  replay: { id: 'subscription', json: (subscription) => ({ subscription }) },
  replayMissing: { id: 'subscription', json: (subscription) => ({ subscription }) },
  cancelDeliveries: { id: 'subscription', json: (subscription) => ({ subscription }) },
  listJobs: {},
  getJob: { id: 'job' },
  stopJob: { id: 'job' },
  listAttempts: {},
  listEvents: {},
  publishEvent: { json: () => ({ type: 'order.paid', data: { orderId: 'o', amount: 1 } }) },
  getEvent: { id: 'event' },
  getStats: {},
  getStatsOfSubscription: { id: 'subscription' },
  getHealth: {},
  listEventTypes: {},
  getEventSchema: {},
  getOpenApi: {},
  getAsyncApi: {},
}

const entryOf = ({ operationId }: Route) => {
  const entry = ENTRIES[operationId]
  if (entry === undefined) throw new Error(`Say in ENTRIES what ${operationId} is about`)
  return entry
}

function requestOf(route: Route, id: string, as: string | null, extra: Partial<Call> = {}) {
  const path = route.path.replace(/\{\w+\}/g, entryOf(route).id === undefined ? 'order.paid' : id)
  const json = entryOf(route).json?.(id)
  return [route.method, path, { as, ...(json === undefined ? {} : { json }), ...extra }] as const
}

const comparable = ({ status, headers, text }: Answer) => ({ status, text, headers: [...headers].sort() })
const byId = routes.filter((route) => entryOf(route).id !== undefined)
const named = (list: readonly Route[]) =>
  list.map((route) => [`${route.method} ${route.path}`, route] as const)

describe('the table', () => {
  it('has an entry here for every route, and no other', () => {
    expect(Object.keys(ENTRIES).sort()).toEqual(routes.map(({ operationId }) => operationId).sort())
  })
})

describe.each(named(byId))('%s', (_name, route) => {
  it.each(['tenant other', 'tenant ghost', 'admin other', 'read-only other'])(
    'answers %s as if the row were missing, to the byte, and changes nothing',
    async (as) => {
      const { call, ids, state } = await world()
      const before = await state()
      const foreign = await call(...requestOf(route, ids[entryOf(route).id ?? 'event'], as))
      const missing = await call(...requestOf(route, 'nothing-of-this-id', as))
      expect(comparable(foreign)).toEqual(comparable(missing))
      const reads = route.role === 'read-only' || !as.startsWith('read-only')
      expect(foreign.status).toBe(reads ? 404 : 403)
      expect(foreign.text).not.toContain(CANARY)
      expect(await state()).toBe(before)
    },
  )

  it('lets the owner in', async () => {
    const { call, ids } = await world()
    const answer = await call(...requestOf(route, ids[entryOf(route).id ?? 'event'], `tenant ${OWNER}`))
    expect([200, 202, 204, 409]).toContain(answer.status)
  })
})

describe.each(named(routes))('%s', (_name, route) => {
  it('asks who is calling', async () => {
    const { call, ids, state } = await world()
    const before = await state()
    for (const as of [null, 'nobody', 'root acme', 'tenant', 'read-only', 'tenant *', '']) {
      const { status, text } = await call(...requestOf(route, ids[entryOf(route).id ?? 'event'], as))
      expect([as, [401, 503].includes(status), text.includes(CANARY)]).toEqual([as, true, false])
    }
    expect(await state()).toBe(before)
  })

  it('shows nothing of another tenant, also when asked by name', async () => {
    const { call, ids, state } = await world()
    const foreign = ids[entryOf(route).id ?? 'event']
    const before = JSON.parse(await state())[0].items
    for (const as of ['tenant other', 'read-only other']) {
      const plain = await call(...requestOf(route, foreign, as))
      expect(plain.text).not.toContain(CANARY)
      const [method, path, options] = requestOf(route, foreign, as)
      const asked = await call(method, `${path}?tenantId=${OWNER}`, options)
      expect(asked.text).not.toContain(CANARY)
      if (route.ofTenant) expect(asked.status).toBe(403)
    }
    const acmes = JSON.parse(await state())[0].items.filter(
      ({ tenantId }: { tenantId: string }) => tenantId === OWNER,
    )
    expect(acmes).toEqual(before)
  })
})

const writing = routes.filter(({ method, role }) => method !== 'GET' && role !== 'read-only')

describe.each(named(writing))('%s', (_name, route) => {
  it('is refused to read-only callers', async () => {
    const { call, ids, state } = await world()
    const before = await state()
    const id = ids[entryOf(route).id ?? 'event']
    expect((await call(...requestOf(route, id, `read-only ${OWNER}`))).status).toBe(403)
    expect(await state()).toBe(before)
  })

  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const multipart = { 'content-type': 'multipart/form-data; boundary=x' }
  const shapes: readonly (readonly [string, Partial<RequestInit> & { query?: string }])[] = [
    ['a form', { headers: form, body: 'url=https%3A%2F%2Freceiver.example' }],
    ['a form without fields', { headers: form }],
    ['a multipart form', { headers: multipart, body: '--x--' }],
    ['JSON as text/plain', { headers: { 'content-type': 'text/plain' }, body: 'json' }],
    ['JSON without a type', { body: 'bytes' }],
    ['GET', { method: 'GET' }],
    ['HEAD', { method: 'HEAD' }],
    [
      'a method override',
      { method: 'POST', headers: { 'x-http-method-override': route.method }, body: 'json' },
    ],
    ['a method override in the query', { method: 'POST', query: `?_method=${route.method}` }],
    ['a foreign Origin', { headers: { origin: 'https://evil.example' }, body: 'json' }],
    ['an Origin of null', { headers: { origin: 'null' }, body: 'json' }],
    ['Sec-Fetch-Site: cross-site', { headers: { 'sec-fetch-site': 'cross-site' }, body: 'json' }],
    ['Sec-Fetch-Site: same-site', { headers: { 'sec-fetch-site': 'same-site' }, body: 'json' }],
  ]

  it.each(shapes)('is refused as %s, and nothing changes', async (shape, init) => {
    const { handler, ids, state } = await world()
    const before = await state()
    const [method, path, { json }] = requestOf(route, ids[entryOf(route).id ?? 'event'], null)
    const { query = '', body: kind, headers, method: other, ...rest } = init
    const text = JSON.stringify(json ?? {})
    const body = kind === 'json' ? text : kind === 'bytes' ? new TextEncoder().encode(text) : kind
    const type =
      kind === 'json' && shape !== 'JSON as text/plain' ? { 'content-type': 'application/json' } : {}
    const response = await handler(
      new Request(`http://api.test${path}${query}`, {
        ...rest,
        method: other ?? method,
        headers: { ...type, ...(headers as Record<string, string>), 'x-caller': `admin ${OWNER}` },
        ...(body === undefined ? {} : { body }),
      }),
    )
    // Where the path can be read as well, reading it is no harm.
    const reads =
      (other === 'GET' || other === 'HEAD') && routes.some((r) => r.method === 'GET' && r.path === route.path)
    if (!reads) expect([403, 405, 415]).toContain(response.status)
    expect(await state()).toBe(before)
  })

  it('is taken from a page of the same site, and from what is no browser', async () => {
    for (const headers of [
      {},
      { origin: 'http://api.test' },
      { 'sec-fetch-site': 'same-origin', origin: 'http://x' },
    ]) {
      const { call, ids } = await world()
      const answer = await call(
        ...requestOf(route, ids[entryOf(route).id ?? 'event'], `admin ${OWNER}`, { headers }),
      )
      expect([200, 201, 202, 204, 409]).toContain(answer.status)
    }
  })
})
