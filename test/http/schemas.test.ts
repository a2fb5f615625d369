/** The schemas over HTTP follow the library: every field that it takes is taken, every field that it shows is shown. */
import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import type { attempt, delivery, event } from '../../src/http/schemas/history.ts'
import { newEvent } from '../../src/http/schemas/history.ts'
import type { job } from '../../src/http/schemas/job.ts'
import type { subscription } from '../../src/http/schemas/subscription.ts'
import { newSubscription, subscriptionChanges } from '../../src/http/schemas/subscription.ts'
import type { Attempt, Delivery, Event, Job, Subscription } from '../../src/index.ts'
import { CHANGE_KEYS } from '../../src/subscriptions/input.ts'
import { api } from './setup.ts'

/** Each can stand for the other. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false

describe('what comes in', () => {
  it('has every field of a subscription', () => {
    const changes = [...CHANGE_KEYS, 'secret'].sort()
    expect(Object.keys(subscriptionChanges.shape).sort()).toEqual(changes)
    const created = [...changes, 'id', 'tenantId', 'state'].sort()
    expect(Object.keys(newSubscription.shape).sort()).toEqual(created)
  })

  it('of an event leaves out only what has no place in JSON or would send elsewhere', () => {
    const taken = [...Object.keys(newEvent.shape), 'idempotencyKey', 'tx', 'to']
    const known = [
      ...['type', 'data', 'tenantId', 'id', 'idempotencyKey', 'occurredAt', 'deliverAt', 'delayMs'],
      ...['channels', 'tx', 'to', 'skip', 'metadata', 'orderingKey', 'retry'],
    ]
    expect(taken.sort()).toEqual(known.sort())
  })
})

describe('what goes out', () => {
  it('is typed as the library types it, both ways', () => {
    const same: readonly true[] = [
      true satisfies Same<z.output<typeof subscription>, Subscription>,
      true satisfies Same<z.output<typeof event>, Event>,
      true satisfies Same<z.output<typeof delivery>, Delivery>,
      true satisfies Same<z.output<typeof attempt>, Attempt>,
      true satisfies Same<z.output<typeof job>, Job>,
    ]
    expect(same).toHaveLength(5)
  })

  it('has every field that the library shows', async () => {
    const { call, webhooks, subscribe } = api()
    const { subscription: made } = await subscribe('acme', {
      channels: ['a'],
      filter: { 'data.amount': { gte: 1 } },
      rate: { count: 5, perMs: 1000 },
      ordering: 'key',
    })
    const shown = await call('GET', `/subscriptions/${made.id}`)
    expect(shown.body).toEqual(JSON.parse(JSON.stringify(made)))
    await webhooks.publish('order.paid', { orderId: 'o', amount: 5 }, { tenantId: 'acme', channels: ['a'] })
    await webhooks.drain()
    const [one] = (await webhooks.deliveries.list({ tenantId: 'acme' })).items
    const [request] = (await webhooks.attempts.list({ tenantId: 'acme' })).items
    const happened = await webhooks.events.get(one?.eventId ?? '', { tenantId: 'acme' })
    const json = (value: unknown) => JSON.parse(JSON.stringify(value))
    expect((await call('GET', `/deliveries/${one?.id}`)).body).toEqual(json(one))
    expect((await call('GET', '/attempts')).body.items).toEqual([json(request)])
    expect((await call('GET', `/events/${happened.id}`)).body).toEqual(json(happened))
  })
})

describe('a filter over HTTP', () => {
  it('is tried without publishing, and refused by its own code', async () => {
    const { call } = api()
    const json = { url: 'https://receiver.example/', filter: { 'data.amount': { gte: 100 } } }
    const { body } = await call('POST', '/subscriptions', { json })
    const matching = async (amount: number) => {
      const event = { type: 'order.paid', data: { amount } }
      return (await call('POST', '/matches', { json: event, as: 'read-only acme' })).body.items
    }
    expect(await matching(100)).toMatchObject([{ id: body.subscription?.id }])
    expect(await matching(99)).toEqual([])
    for (const filter of [{ 'data.amount': { like: 1 } }, 'text', 5]) {
      const refused = await call('POST', '/subscriptions', { json: { ...json, filter } })
      expect(refused).toMatchObject({ status: 400, body: { code: 'INVALID_FILTER' } })
    }
  })
})
