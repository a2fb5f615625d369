/** What a caller may set besides the fields: the secret on update, the state at the start, the sender's name. */
import { createHmac } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createWebhooks, hmac, unsigned } from '../src/index.ts'
import { memoryStore } from '../src/stores/memory.ts'
import { receiver as startReceiver } from '../src/testing/receiver.ts'
import { quietLogger, setup } from './support/setup.ts'

const signing = hmac({ header: 'x-signature' })
const own = { tenantId: 'acme' }

async function sentSignature({ webhooks, transport }: ReturnType<typeof setup>) {
  await webhooks.publish('a', {}, own)
  await webhooks.drain()
  const request = transport.requests.at(-1)
  const sign = (secret: string) =>
    createHmac('sha256', secret)
      .update(Buffer.from(request?.body ?? []))
      .digest('hex')
  return { got: request?.headers['x-signature'], sign }
}

describe('a secret on update', () => {
  it('signs alone from then on, with the other changes, and is not shown', async () => {
    const lab = setup({ signing })
    const { subscription } = await lab.subscribe('acme', { secret: 'one' })
    const updated = await lab.webhooks.subscriptions.update(
      subscription.id,
      { secret: 'two', name: 'n' },
      own,
    )
    expect(updated).toMatchObject({ name: 'n', secrets: [{ expiresAt: null }] })
    expect(JSON.stringify(updated)).not.toContain('two')
    const { got, sign } = await sentSignature(lab)
    expect(got).toBe(sign('two'))
    await expect(lab.webhooks.subscriptions.revealSecret(subscription.id, own)).resolves.toBe('two')
  })

  it('comes with the scheme that needs it, after an unsigned time', async () => {
    const lab = setup({ signing })
    const { subscription, secret } = await lab.subscribe('acme', { signing: unsigned() })
    expect(secret).toBeNull()
    expect((await sentSignature(lab)).got).toBeUndefined()
    await lab.webhooks.subscriptions.update(subscription.id, { signing: null, secret: 'späte 🔑' }, own)
    const { got, sign } = await sentSignature(lab)
    expect(got).toBe(sign('späte 🔑'))
  })

  it.each<readonly [unknown, string]>([
    ['', 'empty'],
    ['x'.repeat(256), 'too long'],
    ['🔑'.repeat(256), 'too long in code points'],
    [null, 'null'],
    [7, 'a number'],
  ])('is refused when it is %s (%s), and the old one goes on', async (secret) => {
    const lab = setup({ signing })
    const { subscription } = await lab.subscribe('acme', { secret: 'one' })
    const update = lab.webhooks.subscriptions.update(subscription.id, { secret: secret as string }, own)
    await expect(update).rejects.toMatchObject({ code: 'INVALID_SECRET', path: 'secret' })
    const { got, sign } = await sentSignature(lab)
    expect(got).toBe(sign('one'))
  })

  it('is told its form when it is refused, also at create', async () => {
    const { webhooks } = setup({})
    const create = (secret: string) =>
      webhooks.subscriptions.create({ ...own, url: 'https://receiver.example/', secret })
    const form = 'use whsec_<base64> of 24 to 64 random bytes; or leave it out'
    await expect(create('my secret!')).rejects.toThrow(`secret: secret-whitespace: ${form}`)
    await expect(create(btoa('short'))).rejects.toThrow(
      `secret: the secret must have 24 to 64 bytes, not 5: ${form}`,
    )
  })

  it('may have 255 characters, whatever their size', async () => {
    const lab = setup({ signing })
    const { subscription } = await lab.subscribe('acme', { secret: '🔑'.repeat(255), name: '✉️'.repeat(127) })
    await lab.webhooks.subscriptions.update(subscription.id, { name: '🔑'.repeat(255) }, own)
    const longer = lab.webhooks.subscriptions.update(subscription.id, { name: '🔑'.repeat(256) }, own)
    await expect(longer).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('256'),
    })
    const { got, sign } = await sentSignature(lab)
    expect(got).toBe(sign('🔑'.repeat(255)))
  })

  it('is refused where the scheme takes none', async () => {
    const { webhooks, subscribe } = setup({ signing: unsigned() })
    const { subscription } = await subscribe()
    const update = webhooks.subscriptions.update(subscription.id, { secret: 'x' }, own)
    await expect(update).rejects.toMatchObject({ code: 'INVALID_SECRET' })
  })
})

describe('a header that was copied from a subscription as it is read', () => {
  it('has no value to keep in a new one', async () => {
    const { subscribe } = setup()
    const { subscription } = await subscribe('acme', { headers: { authorization: 'Bearer obviously-fake' } })
    const copy = subscribe('acme', { headers: subscription.headers })
    await expect(copy).rejects.toMatchObject({ code: 'INVALID_HEADERS', path: 'headers' })
  })
})

describe('the state of a new subscription', () => {
  it('is active unless it is said', async () => {
    const { subscribe } = setup()
    expect((await subscribe()).subscription.state).toBe('active')
  })

  it('can be disabled: nothing that is published before it is enabled goes out', async () => {
    const { webhooks, subscribe, transport } = setup()
    const { subscription } = await subscribe('acme', { state: 'disabled' })
    expect(subscription).toMatchObject({ state: 'disabled', disabledReason: 'user', pausedBy: null })
    expect(subscription.disabledAt).toBeInstanceOf(Date)
    await webhooks.publish('a', {}, own)
    await webhooks.drain()
    await webhooks.subscriptions.enable(subscription.id, own)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(0)
    await webhooks.publish('b', {}, own)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
  })

  it('can be paused: what is published waits for `resume`', async () => {
    const { webhooks, subscribe, transport } = setup()
    const { subscription } = await subscribe('acme', { state: 'paused' })
    expect(subscription).toMatchObject({ state: 'paused', pausedBy: 'user', disabledAt: null })
    await webhooks.publish('a', {}, own)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(0)
    await webhooks.subscriptions.resume(subscription.id, own)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(1)
  })

  it.each(['deleted', '', 1, {}])('is refused when it is %j', async (state) => {
    const { subscribe } = setup()
    await expect(subscribe('acme', { state })).rejects.toMatchObject({ code: 'INVALID_INPUT', path: 'state' })
  })
})

describe('the option userAgent', () => {
  it('names the sender in each request', async () => {
    const receiver = await startReceiver()
    onTestFinished(() => receiver.close())
    const webhooks = createWebhooks({
      store: memoryStore(),
      allowHttp: true,
      allowCidrs: ['127.0.0.0/8'],
      userAgent: 'Acme-Hooks/2.0',
      logger: quietLogger,
    })
    await webhooks.subscriptions.create({ tenantId: 'acme', url: receiver.url })
    await webhooks.publish('a', {}, own)
    await webhooks.drain()
    await webhooks.stop()
    expect(receiver.requests).toMatchObject([{ headers: { 'user-agent': 'Acme-Hooks/2.0' } }])
  })

  it.each(['', ' x', 'a\nb', 'ä', 'x'.repeat(256), 5])('is refused when it is %j', (userAgent) => {
    const make = () => createWebhooks({ store: memoryStore(), userAgent: userAgent as string })
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION', path: 'userAgent' }))
  })

  it('contradicts a transport', () => {
    const { transport } = setup()
    const make = () => createWebhooks({ store: memoryStore(), transport, userAgent: 'x' })
    expect(make).toThrow(expect.objectContaining({ code: 'CONTRADICTORY_OPTIONS' }))
  })
})
