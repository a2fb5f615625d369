/**
 * Every parameter of every route's query, derived from the route table: taken at its border, refused beyond it by name and as a
 * typed problem, and never a 500, on every store. And the fields of an event that is published over HTTP.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { createHandler } from '../../src/http/index.ts'
import type { Route } from '../../src/http/route.ts'
import { routes } from '../../src/http/routes.ts'
import { limits } from '../doors/limits.ts'
import { describeOnEach } from '../support/each-database.ts'
import { type QueryValues, queryValues, UNKNOWN } from './query-values.ts'
import { type Answer, api, authorizeByHeader, read } from './setup.ts'

const ADMIN = 'admin *'
/** Of routes whose states are not those of deliveries. */
const STATES: Readonly<Record<string, readonly string[]>> = {
  listSubscriptions: ['active', 'disabled'],
  listJobs: ['running', 'stopped'],
}

/** The query's own parameters, `tenantId` among them where rows of a tenant are seen; labels once more by key. */
const parametersOf = (route: Route): readonly string[] =>
  Object.keys(route.query.shape).flatMap((name) => (name === 'metadata' ? [name, 'metadata[key]'] : [name]))

function valuesOf(route: Route, parameter: string): QueryValues {
  const values = queryValues[parameter]
  if (values === undefined) throw new Error(`Say in queryValues what ${parameter} takes`)
  const states = parameter === 'state' ? STATES[route.operationId] : undefined
  if (states === undefined) return values
  return { ...values, takes: Object.fromEntries(states.map((state) => [state, state])) }
}

const encoded = (parameter: string, value: string | readonly string[]): string =>
  [value]
    .flat()
    .map((one) => `${parameter}=${one === '%zz' ? one : encodeURIComponent(one)}`)
    .join('&')

const cases = (kind: keyof QueryValues) =>
  routes.flatMap((route) =>
    parametersOf(route).flatMap((parameter) =>
      Object.entries(valuesOf(route, parameter)[kind]).map(
        ([what, value]) =>
          [
            `${route.method} ${route.path} ${parameter}: ${what}`,
            route,
            parameter,
            encoded(parameter, value),
          ] as const,
      ),
    ),
  )

/** A path of the route. */
const pathOf = (route: Route, id = 'none') => route.path.replaceAll(/\{\w+\}/g, id)

function expectProblem({ status, headers, body, text }: Answer, path: string): void {
  expect(status).toBe(400)
  expect(headers.get('content-type')).toBe('application/problem+json')
  expect(body.code).toMatch(/^(INVALID_|TENANT_REQUIRED)/)
  expect(body.type).toBe(`urn:posthorn:problem:${String(body.code).toLowerCase().replaceAll('_', '-')}`)
  expect(String(body.path).split(/[.[]/)[0]).toBe(path)
  expect(text.length).toBeLessThan(4_000)
}

describe('the table', () => {
  it('has a parameter of every kind', () => {
    const known = new Set(routes.flatMap(parametersOf))
    expect([...known].sort()).toEqual(Object.keys(queryValues).sort())
  })
})

describe('at the border', () => {
  const { call } = api()
  const reads = cases('takes').filter(([, route]) => route.method === 'GET')
  it.each(reads)('%s', async (_name, route, parameter, query) => {
    const answer = await call('GET', `${pathOf(route)}?${query}`, { as: ADMIN })
    // Statistics have a bound of their own, and what is asked for by id or name is not there.
    if (route.path.includes('{') || ['subscription', 'tenantId'].includes(parameter))
      expect([200, 400, 404]).toContain(answer.status)
    else if (route.path === '/stats') expect([200, 400]).toContain(answer.status)
    else expect([answer.status, answer.text.slice(0, 300)]).toEqual([200, expect.anything()])
    if (answer.status !== 200)
      expect(answer.body.code).toMatch(/^(INVALID_INPUT|CONTRADICTORY_OPTIONS|NOT_FOUND)$/)
  })

  it('takes the absence of all, and the cursor that it gave', async () => {
    const { call: asked, subscribe, webhooks } = api()
    for (let n = 0; n < 2; n++) {
      await subscribe()
      await webhooks.publish('order.paid', { orderId: 'o', amount: 1 } as never, { tenantId: 'acme' })
    }
    await webhooks.drain()
    for (const list of ['/subscriptions', '/events', '/deliveries', '/attempts']) {
      expect((await asked('GET', list)).status).toBe(200)
      const first = await asked('GET', `${list}?limit=1&total=true`)
      const next = await asked('GET', `${list}?limit=1&cursor=${first.body.nextCursor}`)
      expect([first.status, next.status]).toEqual([200, 200])
      expect((next.body.items as never as { id: string }[])[0]?.id).not.toBe(
        (first.body.items as never as { id: string }[])[0]?.id,
      )
    }
  })
})

describe('beyond it', () => {
  const { call, webhooks, subscribe } = api()
  let delivery = ''
  beforeAll(async () => {
    await subscribe()
    await webhooks.publish('order.paid', { orderId: 'o', amount: 1 } as never, { tenantId: 'acme' })
    await webhooks.drain()
    delivery = (await webhooks.deliveries.list({ tenantId: 'acme' })).items[0]?.id ?? ''
  })

  it.each(cases('refuses'))('%s', async (_name, route, parameter, query) => {
    const answer = await call(route.method, `${pathOf(route, delivery)}?${query}`, { as: ADMIN })
    expectProblem(answer, parameter.split('[')[0] ?? '')
  })

  it.each(UNKNOWN.map((query) => [query.slice(0, 40), query] as const))('%s', async (_name, query) => {
    for (const route of routes) {
      const answer = await call(route.method, `${pathOf(route)}?${query}`, { as: ADMIN })
      expect([route.path, answer.status, answer.body.code]).toEqual([route.path, 400, 'INVALID_INPUT'])
    }
    expect(Object.prototype).not.toHaveProperty('limit')
  })
})

describe('tenantId', () => {
  const { call } = api()
  const ofTenants = routes.filter(({ ofTenant }) => ofTenant)
  const caller = (route: Route) => (route.role === 'admin' ? 'admin acme' : 'tenant acme')

  it.each(ofTenants.map((route) => [`${route.method} ${route.path}`, route] as const))(
    'of another is 403 at %s, in every spelling',
    async (_name, route) => {
      for (const tenantId of ['other', 'ACME', 'acme%20', 'acme%2Cother', '*', 'null']) {
        const { status, body } = await call(route.method, `${pathOf(route)}?tenantId=${tenantId}`, {
          as: caller(route),
          ...(route.body === null || route.bodyOptional ? {} : { json: BODIES[route.operationId] }),
        })
        expect([tenantId, status, body.code]).toEqual([tenantId, 403, 'FORBIDDEN'])
      }
    },
  )
})

/** Bodies that the routes which need one take. */
const BODIES: Readonly<Record<string, object>> = {
  createSubscription: { url: 'https://receiver.example/' },
  updateSubscription: {},
  matchSubscriptions: { type: 'order.paid' },
  replay: { subscription: 'x' },
  replayMissing: { subscription: 'x' },
  cancelDeliveries: { subscription: 'x' },
  publishEvent: { type: 'order.paid', data: { orderId: 'o', amount: 1 } },
}

describe('POST /events', () => {
  const FIELDS = limits.filter(
    ({ field, doors, onlyInCode }) =>
      doors.includes('publish') && onlyInCode === undefined && field !== 'to' && field !== 'idempotencyKey',
  )
  const fields = (kind: 'takes' | 'refuses') =>
    FIELDS.flatMap((limit) =>
      Object.entries(limit[kind])
        .filter(([, value]) => JSON.stringify(value) !== undefined)
        .map(([what, value]) => [`${limit.field}: ${what}`, limit.field, value] as const),
    )
  const publish = (field: object) => {
    const made = api({ maxBodyBytes: 4_000_000 })
    return made.call('POST', '/events', {
      as: ADMIN,
      json: { ...BODIES.publishEvent, tenantId: 'acme', ...field },
    })
  }

  it.each(fields('takes'))('takes %s', async (_name, field, value) => {
    const answer = await publish({ [field]: value })
    expect([answer.status, answer.text.slice(0, 300)]).toEqual([201, expect.anything()])
  })

  it.each(fields('refuses'))('refuses %s', async (_name, field, value) => {
    const answer = await publish({ [field]: value })
    if (answer.status === 413) return expect(answer.body.code).toBe('PAYLOAD_TOO_LARGE')
    if (answer.text.includes('__proto__')) return expect(answer.status).toBe(400)
    expectProblem(answer, field)
  })
})

describeOnEach((setupOn) => {
  it('no parameter of any route is a 500, whatever stands in it', async () => {
    const { webhooks, clock, subscribe } = await setupOn()
    const unexpected: unknown[] = []
    const handler = createHandler(webhooks, {
      ...{ authorize: authorizeByHeader, clock },
      onError: (error) => unexpected.push(error),
    })
    const { subscription } = await subscribe()
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await webhooks.drain()
    const { id } = (await webhooks.deliveries.list({ tenantId: 'acme' })).items[0] ?? { id: '' }
    const asked = [...cases('takes'), ...cases('refuses')].filter(([, route]) => route.method === 'GET')
    const statuses = new Set<number>()
    for (const [name, route, , query] of asked) {
      const path = pathOf(route, route.path.startsWith('/subscriptions') ? subscription.id : id)
      const request = new Request(`http://api.test${path}?${query}`, { headers: { 'x-caller': ADMIN } })
      const { status } = await read(await handler(request))
      statuses.add(status)
      if (status >= 500 && route.operationId !== 'getHealth') unexpected.push(name)
    }
    expect(unexpected).toEqual([])
    expect([...statuses].sort()).toEqual([200, 400, 404])
  }, 60_000)
})
