/** The routes over events, deliveries, attempts and jobs, as their callers see them. */
import { describe, expect, it } from 'vitest'
import { api } from './setup.ts'

const paid = { type: 'order.paid', data: { orderId: 'o-1', amount: 5 } }

describe('events over HTTP', () => {
  it('are published by an admin, once per key, also after the process has forgotten it', async () => {
    const { call, clock } = api()
    const publish = () =>
      call('POST', '/events', {
        as: 'admin',
        json: { ...paid, tenantId: 'acme', metadata: { a: 'b' } },
        headers: { 'idempotency-key': 'k' },
      })
    const first = await publish()
    expect(first).toMatchObject({ status: 201, body: { duplicate: false } })
    await clock.advance(2 * 86_400_000)
    expect((await publish()).body).toMatchObject({ id: first.body.id, duplicate: true })
    const read = await call('GET', first.headers.get('location') ?? '')
    expect(read.body).toMatchObject({ type: 'order.paid', tenantId: 'acme', metadata: { a: 'b' } })
    expect(JSON.parse(String(read.body.body))).toMatchObject({ type: 'order.paid', data: paid.data })
  })

  it.each([
    [{ ...paid, type: 'order.payed' }, 'UNKNOWN_EVENT_TYPE'],
    [{ ...paid, data: { orderId: 1 } }, 'INVALID_PAYLOAD'],
    [{ ...paid, deliverAt: 'tomorrow' }, 'INVALID_INPUT'],
    [{ ...paid, deliverAt: '2999-01-01T00:00:00Z' }, 'INVALID_INPUT'],
    [{ ...paid, to: { url: 'https://elsewhere.example' } }, 'INVALID_INPUT'],
    [{ ...paid, tx: {} }, 'INVALID_INPUT'],
    [{ data: {} }, 'INVALID_INPUT'],
  ])('refuse %j', async (json, code) => {
    const { call } = api()
    const answer = await call('POST', '/events?tenantId=acme', { as: 'admin', json })
    expect(answer).toMatchObject({ status: 400, body: { code } })
  })

  it('too large for a body are 413', async () => {
    const { call } = api()
    const data = { orderId: 'x'.repeat(300_000), amount: 1 }
    const answer = await call('POST', '/events?tenantId=acme', { as: 'admin', json: { ...paid, data } })
    expect(answer).toMatchObject({ status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } })
  })

  it('are listed without bodies, by type and time', async () => {
    const { call, webhooks, clock } = api()
    await webhooks.publish('order.paid', paid.data, { tenantId: 'acme' })
    await clock.advance(60_000)
    const since = new Date(clock.now()).toISOString()
    await webhooks.publish('order.refunded', { orderId: 'o-1' }, { tenantId: 'acme' })
    const all = await call('GET', '/events')
    expect(all.body.items).toMatchObject([{ type: 'order.refunded' }, { type: 'order.paid' }])
    expect(all.text).not.toContain('"body"')
    expect((await call('GET', '/events?type=order.paid')).body.items).toHaveLength(1)
    expect((await call('GET', `/events?since=${since}`)).body.items).toMatchObject([
      { type: 'order.refunded' },
    ])
    expect((await call('GET', `/events?until=${since}`)).body.items).toMatchObject([{ type: 'order.paid' }])
    expect((await call('GET', '/events?since=yesterday')).status).toBe(400)
  })
})

describe('deliveries over HTTP', () => {
  async function failed() {
    const parts = api({ answer: (_request, nth) => (nth === 1 ? 400 : 204) })
    const { subscription } = await parts.subscribe('acme', { retry: 'never' })
    const { id: eventId } = await parts.webhooks.publish('order.paid', paid.data, { tenantId: 'acme' })
    await parts.webhooks.drain()
    const { body } = await parts.call('GET', '/deliveries')
    const [delivery] = body.items as unknown as { id: string; number: number }[]
    if (delivery === undefined) throw new Error('nothing was delivered')
    return { ...parts, subscription, eventId, delivery }
  }

  it('are found by subscription, event, type and state, and one by id or number', async () => {
    const { call, subscription, eventId, delivery } = await failed()
    for (const query of [
      `subscriptionId=${subscription.id}`,
      `eventId=${eventId}`,
      'type=order.paid',
      'state=failed',
      'state=failed&total=true',
    ])
      expect((await call('GET', `/deliveries?${query}`)).body.items).toHaveLength(1)
    for (const query of ['subscriptionId=none', 'type=order.refunded', 'state=pending'])
      expect((await call('GET', `/deliveries?${query}`)).body.items).toHaveLength(0)
    const byId = await call('GET', `/deliveries/${delivery.id}`)
    expect(byId.body).toMatchObject({ state: 'failed', lastStatus: 400, attemptCount: 1 })
    expect((await call('GET', `/deliveries/${delivery.number}`)).text).toBe(byId.text)
  })

  it('show their attempts', async () => {
    const { call, delivery, eventId } = await failed()
    const ofOne = await call('GET', `/deliveries/${delivery.id}/attempts`)
    expect(ofOne.body.items).toMatchObject([{ number: 1, status: 400, outcome: 'failed' }])
    expect((await call('GET', `/attempts?eventId=${eventId}`)).text).toBe(ofOne.text)
    expect((await call('GET', '/attempts?deliveryId=none')).body.items).toEqual([])
  })

  it('are delivered again', async () => {
    const { call, delivery, webhooks } = await failed()
    const again = await call('POST', `/deliveries/${delivery.id}/redeliver`)
    expect(again).toMatchObject({ status: 202, body: { state: 'pending' } })
    await webhooks.drain()
    expect((await call('GET', `/deliveries/${delivery.id}`)).body.state).toBe('succeeded')
    expect(await call('POST', `/deliveries/${delivery.id}/cancel`)).toMatchObject({
      status: 409,
      body: { code: 'CONFLICT' },
    })
  })

  it('are cancelled while pending', async () => {
    const { call, subscribe, webhooks } = api({ answer: () => 500 })
    await subscribe()
    await webhooks.publish('order.paid', paid.data, { tenantId: 'acme' })
    await webhooks.drain()
    const { body } = await call('GET', '/deliveries?state=pending')
    const [delivery] = body.items as unknown as { id: string }[]
    const cancelled = await call('POST', `/deliveries/${delivery?.id}/cancel`)
    expect(cancelled).toMatchObject({ status: 200, body: { state: 'cancelled' } })
  })

  it('are sent again in bulk, as a job to be followed', async () => {
    const { call, webhooks, subscription, delivery } = await failed()
    const ordered = await call('POST', '/deliveries/retry-all', { json: { subscription: subscription.id } })
    expect(ordered.status).toBe(202)
    const path = ordered.headers.get('location') ?? ''
    await webhooks.drain()
    expect((await call('GET', path)).body).toMatchObject({
      kind: 'retryAll',
      state: 'succeeded',
      affected: 1,
    })
    expect((await call('GET', `/deliveries/${delivery.id}`)).body.state).toBe('succeeded')
    expect((await call('GET', path, { as: 'tenant other' })).status).toBe(404)
  })

  it('are sent again in bulk no further once the job is stopped', async () => {
    const { call, webhooks, subscription, delivery } = await failed()
    await call('POST', '/deliveries/retry-all', { json: { subscription: subscription.id } })
    const running = await call('GET', '/jobs?state=running&total=true')
    expect(running.body).toMatchObject({ total: 1, nextCursor: null })
    const [job] = running.body.items as unknown as { id: string; subscriptionId: string }[]
    expect(job?.subscriptionId).toBe(subscription.id)
    const path = `/jobs/${encodeURIComponent(job?.id ?? '')}`
    expect((await call('POST', `${path}/stop`, { as: 'tenant other' })).status).toBe(404)
    const stopped = await call('POST', `${path}/stop`)
    expect(stopped).toMatchObject({ status: 200, body: { state: 'stopped', looked: 0 } })
    expect((await call('POST', `${path}/stop`)).text).toBe(stopped.text)
    expect((await call('GET', path)).text).toBe(stopped.text)
    await webhooks.drain()
    expect((await call('GET', `/deliveries/${delivery.id}`)).body.state).toBe('failed')
    expect((await call('GET', '/jobs?state=running')).body.items).toEqual([])
    expect((await call('GET', '/jobs', { as: 'tenant other' })).body.items).toEqual([])
    expect((await call('GET', '/jobs?state=done')).status).toBe(400)
    await call('POST', '/deliveries/retry-all')
    await webhooks.drain()
    const [done] = (await call('GET', '/jobs?state=succeeded')).body.items as unknown as { id: string }[]
    const late = await call('POST', `/jobs/${done?.id}/stop`)
    expect(late).toMatchObject({ status: 409, body: { code: 'CONFLICT' } })
  })

  it('are replayed to a subscription that came later', async () => {
    const { call, webhooks, clock, subscribe, transport } = api()
    await webhooks.publish('order.paid', paid.data, { tenantId: 'acme' })
    await webhooks.drain()
    const since = new Date(clock.now() - 60_000).toISOString()
    await clock.advance(1_000)
    const { subscription } = await subscribe()
    const json = { subscription: subscription.id, since }
    const ordered = await call('POST', '/deliveries/replay-missing', { json })
    expect(ordered.status).toBe(202)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
    expect((await call('POST', '/deliveries/replay', { json: { ...json, succeededToo: true } })).status).toBe(
      202,
    )
    await webhooks.drain()
    expect(transport.requests).toHaveLength(2)
    expect((await call('POST', '/deliveries/replay', { json: {} })).status).toBe(400)
    expect((await call('POST', '/deliveries/cancel', { json: {} })).status).toBe(400)
    const cancel = await call('POST', '/deliveries/cancel', { json: { subscription: subscription.id } })
    expect(cancel.status).toBe(202)
  })
})

describe('the catalogue over HTTP', () => {
  it('lists the types with schema and example, and each schema alone', async () => {
    const { call } = api()
    const { body } = await call('GET', '/catalogue', { as: 'read-only acme' })
    expect(body.items).toMatchObject([
      { type: 'order.paid', schema: { type: 'object', required: ['orderId', 'amount'] } },
      { type: 'order.refunded' },
    ])
    const one = await call('GET', '/catalogue/order.paid')
    expect(one.body).toMatchObject({
      $schema: expect.any(String),
      properties: { orderId: { type: 'string' } },
    })
    expect((await call('GET', '/catalogue/nothing')).status).toBe(404)
  })
})

describe('statistics and health over HTTP', () => {
  it('count a tenant or one subscription', async () => {
    const { call, subscribe, webhooks } = api({ answer: (_request, nth) => (nth === 1 ? 500 : 204) })
    const { subscription } = await subscribe()
    await subscribe()
    await webhooks.publish('order.paid', paid.data, { tenantId: 'acme' })
    await webhooks.drain()
    const all = await call('GET', '/stats')
    expect(all).toMatchObject({ status: 200, body: { attempts: 2, succeeded: 1, failed: 1, backlog: 1 } })
    const one = await call('GET', `/subscriptions/${subscription.id}/stats?bucket=hour`)
    expect(one).toMatchObject({ status: 200, body: { attempts: 1, bucket: 'hour' } })
    expect((await call('GET', `/stats?subscription=${subscription.id}&bucket=hour`)).body.attempts).toBe(1)
    expect((await call('GET', '/stats', { as: 'tenant other' })).body.attempts).toBe(0)
    expect((await call('GET', '/stats?bucket=year')).status).toBe(400)
    expect((await call('GET', '/stats?subscription=nothing')).status).toBe(404)
  })

  it('tell an admin how the sender is, with a status that monitors understand', async () => {
    const { call, webhooks, clock } = api()
    expect(await call('GET', '/health', { as: 'admin' })).toMatchObject({
      status: 200,
      body: { healthy: true, problems: [], storeReachable: true },
    })
    await webhooks.publish('order.paid', paid.data, { tenantId: 'acme' })
    await clock.advance(120_000)
    const late = await call('GET', '/health', { as: 'admin' })
    expect(late).toMatchObject({ status: 503, body: { healthy: false, oldestDueAgeMs: 120_000 } })
    expect((await call('GET', '/health')).status).toBe(403)
  })
})
