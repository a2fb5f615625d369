/** A tenant that was erased is sent nothing more, whatever a worker remembers of it. */
import { expect, it } from 'vitest'
import { describeOnEach } from './support/each-database.ts'

const acme = { tenantId: 'acme' }

describeOnEach((setupOn) => {
  it('regression: an event after an erase went to the endpoint that was erased', async () => {
    const { webhooks, transport, subscribe } = await setupOn()
    await subscribe('acme')
    await webhooks.publish('order.paid', {}, acme)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
    await webhooks.eraseTenant('acme')
    await webhooks.publish('order.paid', {}, acme)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
  })

  it('sends nothing either while the erase is half done', async () => {
    const { webhooks, store, transport, subscribe } = await setupOn()
    await subscribe('acme')
    for (let n = 0; n < 3; n++) await webhooks.publish('order.paid', {}, acme)
    await webhooks.drain()
    expect(await store.eraseTenant('acme', 1)).toBe(false)
    await webhooks.publish('order.paid', {}, acme)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(3)
  })

  it('sends to the endpoint that the tenant comes back with', async () => {
    const { webhooks, clock, transport, subscribe } = await setupOn()
    await subscribe('acme')
    await webhooks.publish('order.paid', {}, acme)
    await webhooks.drain()
    await webhooks.eraseTenant('acme')
    await webhooks.publish('order.paid', {}, acme)
    await webhooks.drain()
    await clock.advance(1)
    await subscribe('acme', { url: 'https://receiver.example/new' })
    await webhooks.publish('order.paid', {}, acme)
    await webhooks.drain()
    const urls = transport.requests.map(({ url }) => url)
    expect(urls).toEqual(['https://receiver.example/hook', 'https://receiver.example/new'])
  })
})
