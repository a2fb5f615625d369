/** Giving a subscription the events that it never got. */
import { describe, expect, it } from 'vitest'
import { setup } from '../support/setup.ts'
import { acme, failures, idOf } from './failures.ts'

describe('replay', () => {
  it('gives a subscription what was published while it was disabled', async () => {
    const { webhooks, transport, subscribe } = setup()
    const { subscription } = await subscribe()
    await webhooks.subscriptions.disable(subscription.id, acme)
    await webhooks.publish('a', { n: 1 }, { ...acme, id: 'e1' })
    await webhooks.drain()
    await webhooks.subscriptions.enable(subscription.id, acme)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(0)
    const { jobId } = await webhooks.deliveries.replay({ ...acme, subscription: subscription.id })
    await webhooks.drain()
    expect(transport.requests.map(idOf)).toEqual(['e1'])
    expect(await webhooks.jobs.get(jobId, acme)).toMatchObject({ kind: 'replay', looked: 1, affected: 1 })
    const { items } = await webhooks.attempts.list(acme)
    expect(items).toMatchObject([{ trigger: 'manual', number: 1, eventId: 'e1' }])
  })

  it('gives a new subscription the events from before it existed, when asked', async () => {
    const { webhooks, transport, subscribe, clock } = setup()
    for (const id of ['e1', 'e2', 'e3']) {
      await webhooks.publish(id === 'e2' ? 'user.made' : 'order.paid', {}, { ...acme, id })
      await clock.advance(1_000)
    }
    await webhooks.publish('order.paid', {}, { ...acme, id: 'skipped', skip: true })
    await webhooks.drain()
    const { subscription } = await subscribe()
    const replayed = async (extra: object) => {
      const before = transport.requests.length
      await webhooks.deliveries.replay({ ...acme, subscription: subscription.id, ...extra })
      await webhooks.drain()
      return transport.requests.slice(before).map(idOf)
    }
    expect(await replayed({})).toEqual([])
    expect(await replayed({ since: new Date(0), types: ['user.*'] })).toEqual(['e2'])
    const until = new Date(clock.now() - 1_000)
    expect(await replayed({ since: new Date(0), until })).toEqual(['e1'])
    expect(await replayed({ since: new Date(0) })).toEqual(['e3'])
    expect(await replayed({ since: new Date(0) })).toEqual([])
    const all = await replayed({ since: new Date(0), succeededToo: true })
    expect(all.sort()).toEqual(['e1', 'e2', 'e3'])
  })

  it('sends again what failed, while replayMissing leaves it', async () => {
    const { webhooks, subscription, sentAgain } = await failures(2)
    const options = { ...acme, subscription: subscription.id }
    const { jobId } = await webhooks.deliveries.replayMissing(options)
    await webhooks.drain()
    expect(sentAgain()).toEqual([])
    expect(await webhooks.jobs.get(jobId, acme)).toMatchObject({ looked: 2, affected: 0, skipped: 2 })
    await webhooks.deliveries.replay(options)
    await webhooks.drain()
    expect(sentAgain().sort()).toEqual(['e0', 'e1'])
  })

  it('leaves events alone that the subscription does not want, and those that are not due yet', async () => {
    const { webhooks, transport, subscribe, clock } = setup()
    await webhooks.publish('user.made', {}, { ...acme, id: 'e1' })
    const deliverAt = new Date(clock.now() + 60_000)
    await webhooks.publish('order.paid', {}, { ...acme, id: 'later', deliverAt })
    await webhooks.drain()
    const { subscription } = await subscribe('acme', { events: ['order.*'] })
    await webhooks.deliveries.replay({ ...acme, subscription: subscription.id, since: new Date(0) })
    await webhooks.drain()
    expect(transport.requests).toHaveLength(0)
  })

  it('waits for a fan-out that is going on, and sends nothing twice', async () => {
    const { webhooks, transport, subscribe, store, clock } = setup()
    const { subscription } = await subscribe()
    await webhooks.publish('a', {}, { ...acme, id: 'e1' })
    // Another worker has the event and hangs.
    const request = { token: 'other', leaseMs: 30_000, limit: 1, perTenant: 1, perSubscription: 1 }
    const { work } = await store.claim({ ...request, shares: new Map(), alone: false })
    const { jobId } = await webhooks.deliveries.replay({ ...acme, subscription: subscription.id })
    await webhooks.drain()
    expect(transport.requests).toHaveLength(0)
    expect(await webhooks.jobs.get(jobId, acme)).toMatchObject({ state: 'running', looked: 0 })
    await store.handBack(work.map(({ claim }) => ({ claim, delayMs: 0 })))
    await clock.advance(1_000)
    await webhooks.drain()
    await clock.advance(1_000)
    await webhooks.drain()
    expect(transport.requests.map(idOf)).toEqual(['e1'])
    expect(await webhooks.jobs.get(jobId, acme)).toMatchObject({ state: 'succeeded', affected: 0 })
  })

  it('to a paused subscription is held until it is resumed', async () => {
    const { webhooks, transport, subscribe } = setup()
    await webhooks.publish('a', {}, { ...acme, id: 'e1' })
    await webhooks.drain()
    const { subscription } = await subscribe()
    await webhooks.subscriptions.pause(subscription.id, acme)
    await webhooks.deliveries.replay({ ...acme, subscription: subscription.id, since: new Date(0) })
    await webhooks.drain()
    expect((await webhooks.deliveries.list(acme)).items).toMatchObject([{ state: 'pending', held: true }])
    await webhooks.subscriptions.resume(subscription.id, acme)
    await webhooks.drain()
    expect(transport.requests.map(idOf)).toEqual(['e1'])
  })
})
