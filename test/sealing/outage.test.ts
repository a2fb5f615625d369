/** A key service that is down for a while costs time, and never a delivery. Nor does host code that hangs. */
import { describe, expect, it } from 'vitest'
import { customScheme, PosthornError } from '../../src/index.ts'
import { setup } from '../support/setup.ts'

const own = { tenantId: 'acme' }

/** A sealer over a service that a test can take down. */
function service() {
  const state: { failure: (() => unknown) | null } = { failure: null }
  const secrets = {
    seal: async (plain: string) => `sealed:${plain}`,
    open: async (sealed: string): Promise<string> => {
      if (state.failure !== null) await state.failure()
      return sealed.slice('sealed:'.length)
    },
  }
  return { state, secrets }
}

const down = () => {
  throw new Error('connect ECONNREFUSED')
}

describe('a key service that fails', () => {
  it.each([
    ['throws', down],
    ['hangs', () => new Promise(() => undefined)],
  ])('because it %s is asked again, with no attempt used', async (_how, failure) => {
    const { state, secrets } = service()
    const codes: string[] = []
    const { webhooks, subscribe, transport, clock } = setup({
      secrets,
      hooks: { problem: ({ error }) => codes.push(error.code) },
    })
    await subscribe()
    await webhooks.publish('a', {}, { ...own, to: { url: 'https://once.example' } })
    await webhooks.publish('a', {}, own)
    state.failure = failure
    const started = webhooks.start()
    await clock.advance(40_000)
    await started
    expect(transport.requests).toEqual([])
    expect(codes).toContain('SEALER_FAILED')
    const { items } = await webhooks.deliveries.list({ ...own, state: 'pending' })
    for (const { attemptCount } of items) expect(attemptCount).toBe(0)
    state.failure = null
    await clock.advance(60_000)
    expect(transport.requests.map(({ url }) => url).sort()).toEqual([
      'https://once.example',
      'https://receiver.example/hook',
    ])
    const stopped = webhooks.stop()
    await clock.advance(10_000)
    await stopped
  })

  it('and says that a text can never be read sets the delivery aside', async () => {
    const { state, secrets } = service()
    const { webhooks, subscribe } = setup({ secrets })
    await subscribe()
    await webhooks.publish('a', {}, own)
    state.failure = () => {
      throw new PosthornError('SECRET_UNREADABLE', 'A stored secret cannot be read: its key was destroyed.')
    }
    await webhooks.drain()
    const { items } = await webhooks.deliveries.list(own)
    expect(items).toMatchObject([{ state: 'failed', reason: 'quarantined' }])
  })

  it('refuses what would have to be sealed, and stores nothing', async () => {
    const { webhooks, subscribe } = setup({ secrets: { seal: down, open: (text) => text } })
    await expect(subscribe()).rejects.toMatchObject({ code: 'SEALER_FAILED' })
    expect((await webhooks.subscriptions.list(own)).items).toEqual([])
  })
})

describe('a key service that never answers', () => {
  const never = () => new Promise<string>(() => undefined)

  it('keeps no read waiting for longer than an attempt: the subscription is shown without its hint', async () => {
    const { state, secrets } = service()
    const { webhooks, subscribe, clock } = setup({ secrets })
    const { subscription } = await subscribe()
    expect(subscription.secretHint).toHaveLength(4)
    state.failure = never
    const reads = Promise.all([
      webhooks.subscriptions.get(subscription.id, own),
      webhooks.subscriptions.list(own).then(({ items }) => items[0]),
      webhooks.subscriptions.matches({ ...own, type: 'a' }).then(([found]) => found),
      webhooks.subscriptions.pause(subscription.id, own),
    ])
    await clock.advance(15_000)
    for (const read of await reads) expect(read).toMatchObject({ id: subscription.id, secretHint: null })
  })

  it('fails what needs the text with SEALER_FAILED, and stores nothing', async () => {
    const { state, secrets } = service()
    const { webhooks, subscribe, clock } = setup({ secrets })
    const { subscription } = await subscribe()
    state.failure = never
    const sealer = { ...secrets, seal: never }
    const other = setup({ secrets: sealer, clock })
    const calls = [
      webhooks.subscriptions.revealSecret(subscription.id, own),
      webhooks.resealSecrets(),
      other.subscribe(),
      other.webhooks.publish('a', {}, { ...own, to: { url: 'https://once.example' } }),
    ].map((call) => call.catch((error: unknown) => error))
    await clock.advance(15_000)
    for (const error of await Promise.all(calls))
      expect(error).toMatchObject({
        code: 'SEALER_FAILED',
        cause: { message: '`secrets` took longer than 15000 ms' },
      })
    expect((await other.webhooks.subscriptions.list(own)).items).toEqual([])
    expect((await other.webhooks.events.list(own)).items).toEqual([])
  })
})

describe('host code that hangs', () => {
  it('in retryIf is waited for as long as an attempt, then the delivery is tried again', async () => {
    const { webhooks, subscribe, transport, clock, store } = setup({
      answer: () => 500,
      retryIf: () => new Promise<boolean>(() => undefined),
    })
    await subscribe()
    await webhooks.publish('a', {}, own)
    await webhooks.start()
    await clock.advance(15_000)
    await clock.advance(6_000)
    expect(transport.requests).toHaveLength(2)
    expect(await store.backlog({ tenant: 'acme' })).toMatchObject({ held: 0 })
    const stopped = webhooks.stop()
    await clock.advance(10_000)
    await stopped
  })

  it('in a scheme of its own sends nothing, and sets the delivery aside', async () => {
    const scheme = customScheme({
      name: 'slow',
      headers: ['x-slow'],
      sign: () => new Promise<Record<string, string>>(() => undefined),
    } as never)
    const { webhooks, subscribe, transport, clock } = setup({
      signing: scheme,
      customSchemes: [scheme.custom as never],
    })
    await subscribe()
    await webhooks.publish('a', {}, own)
    await webhooks.start()
    await clock.advance(16_000)
    expect(transport.requests).toEqual([])
    expect((await webhooks.deliveries.list(own)).items).toMatchObject([{ reason: 'quarantined' }])
    const stopped = webhooks.stop()
    await clock.advance(10_000)
    await stopped
  })
})
