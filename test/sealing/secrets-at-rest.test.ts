/** The option `secrets`, end to end: sealed at rest, a lost key sends nothing, keys can be replaced. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { anyTenant, createWebhooks, hmac, sealedSecrets, standardWebhooks } from '../../src/index.ts'
import type { WebhooksOptions } from '../../src/options.ts'
import type { Sealer } from '../../src/sealing.ts'
import { verify } from '../../src/signing/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { quietLogger, setup } from '../support/setup.ts'

const own = { tenantId: 'acme' }
const url = 'https://receiver.example/hook'
const token = 'Bearer obviously-fake-token'
/** Obviously fake keys: 32 times the same byte. */
const keys = (...bytes: number[]) =>
  sealedSecrets({ keys: bytes.map((byte) => new Uint8Array(32).fill(byte)) })

const nothing = { looked: 0, resealed: 0, unreadable: 0 }

/** A lab whose sender can be exchanged for one with other keys, on the same store. */
function labWith(secrets?: Sealer, options: Partial<WebhooksOptions> = {}) {
  const problems: string[] = []
  const hooks = { problem: ({ error }: { error: { message: string } }) => problems.push(error.message) }
  const sealing = (sealer?: Sealer) => (sealer === undefined ? {} : { secrets: sealer })
  const lab = setup({ ...options, ...sealing(secrets), hooks })
  const { store, clock, transport } = lab
  const withKeys = (sealer?: Sealer) =>
    createWebhooks({ ...options, ...sealing(sealer), store, clock, transport, hooks, logger: quietLogger })
  const stored = async () => {
    const { rows } = await store.listSubscriptions({ tenant: anyTenant }, { limit: 10 })
    return rows.flatMap(({ secrets: all, headers }) => [
      ...all.map(({ value }) => value),
      ...Object.values(headers),
    ])
  }
  const check = (secret: string) => {
    const request = transport.requests.at(-1)
    if (request === undefined) throw new Error('nothing was sent')
    return verify(request, { secret, now: Math.floor(clock.now() / 1000) })
  }
  return { ...lab, problems, withKeys, stored, check }
}

describe('with keys', () => {
  it('signing secrets and header values are sealed in the store and right on the wire', async () => {
    const lab = labWith(keys(1))
    const { secret } = await lab.subscribe('acme', { headers: { authorization: token } })
    for (const value of await lab.stored()) expect(value).toMatch(/^posthorn-sealed\./)
    await lab.webhooks.publish('a', {}, own)
    await lab.webhooks.drain()
    expect(lab.transport.requests[0]?.headers.authorization).toBe(token)
    await expect(lab.check(secret as string)).resolves.toMatchObject({ type: 'a' })
  })

  it('so are one-use destinations', async () => {
    const lab = labWith(keys(1), { retry: { delaysMs: [0], jitter: 0 } })
    const secret = `whsec_${btoa('obviously-fake-secret-of-a-test!')}`
    const to = { url: 'https://once.example/?token=fake', secret, headers: { authorization: token } }
    await lab.webhooks.publish('a', {}, { ...own, to })
    const { rows } = await lab.store.listDeliveries({ tenant: 'acme' }, { limit: 1 })
    expect(rows[0]?.destination).toMatch(/^posthorn-sealed\.[^:]*$/)
    await lab.webhooks.drain()
    expect(lab.transport.requests[0]).toMatchObject({ url: to.url, headers: { authorization: token } })
    await lab.check(secret)
  })

  it('reads show the last four characters of a secret, and none of a short one', async () => {
    const lab = labWith(keys(1), { signing: hmac({ header: 'x-signature' }) })
    const { subscription } = await lab.subscribe('acme', { secret: 'obviously-fake-1234' })
    expect(subscription).toMatchObject({ secretHint: '1234', secrets: [{ hint: '1234' }] })
    const short = await lab.subscribe('acme', { secret: 'fake-1234' })
    expect(short.subscription).toMatchObject({ secretHint: null, secrets: [{ hint: null }] })
  })

  it('what was stored before there were keys still signs, and is sealed by resealSecrets', async () => {
    const lab = labWith()
    const { secret } = await lab.subscribe('acme', { headers: { authorization: token } })
    expect(await lab.stored()).toEqual([secret, token])
    const sealing = lab.withKeys(keys(1))
    expect(await sealing.resealSecrets()).toEqual({
      subscriptions: { looked: 1, resealed: 1, unreadable: 0 },
      destinations: nothing,
    })
    for (const value of await lab.stored()) expect(value).toMatch(/^posthorn-sealed\./)
    await sealing.publish('a', {}, own)
    await sealing.drain()
    await lab.check(secret as string)
  })
})

describe('a key that is lost', () => {
  it.each<readonly [string, Sealer | undefined]>([
    ['wrong', keys(2)],
    ['left out', undefined],
  ])('or %s sends nothing, quarantines, and all goes on when it is back', async (_, lost) => {
    const lab = labWith(keys(1), { signing: hmac({ header: 'x-signature' }) })
    const { subscription } = await lab.subscribe('acme', { headers: { authorization: token } })
    const without = lab.withKeys(lost)
    await without.publish('a', {}, own)
    await without.publish('a', {}, { ...own, to: { url: 'https://once.example' } })
    await without.drain()
    expect(lab.transport.requests.map((request) => request.url)).toEqual(['https://once.example'])
    const { items } = await without.deliveries.list({ ...own, subscriptionId: subscription.id })
    expect(items).toMatchObject([{ state: 'failed', reason: 'quarantined' }])
    expect(lab.problems.join()).toContain('cannot be read')
    expect((await without.subscriptions.get(subscription.id, own)).secrets).toMatchObject([{ hint: null }])
    await expect(without.subscriptions.revealSecret(subscription.id, own)).rejects.toMatchObject({
      code: 'SECRET_UNREADABLE',
    })

    const back = lab.withKeys(keys(1))
    await back.deliveries.redeliver(items[0]?.id ?? '', own)
    await back.drain()
    expect(lab.transport.requests.at(-1)?.headers).toMatchObject({ authorization: token })
    expect(lab.transport.requests.at(-1)?.headers['x-signature']).toMatch(/^[\da-f]{64}$/)
  })

  it('also holds back what is only sealed in a header, and a sealed one-use destination', async () => {
    const lab = labWith(keys(1), { signing: hmac({ header: 'x-signature' }) })
    await lab.webhooks.publish('a', {}, { ...own, to: { url: 'https://once.example' } })
    const without = lab.withKeys(keys(2))
    await without.drain()
    const { items } = await without.deliveries.list(own)
    expect(items).toMatchObject([{ state: 'failed', reason: 'quarantined' }])
    expect(lab.transport.requests).toHaveLength(0)
  })

  it('is overcome by a rotation, as the receivers get the new secret', async () => {
    const lab = labWith(keys(1))
    const { subscription } = await lab.subscribe()
    const without = lab.withKeys(keys(2))
    const { secret } = await without.subscriptions.rotateSecret(subscription.id, own)
    await without.publish('a', {}, own)
    await without.drain()
    await expect(lab.check(secret)).resolves.toMatchObject({ type: 'a' })
  })
})

describe('replacing the key', () => {
  it('reseals everything, once, and then the old key is not needed', async () => {
    const lab = labWith(keys(1))
    const made = [
      await lab.subscribe('acme', { headers: { authorization: token } }),
      await lab.subscribe('b'),
    ]
    const turning = lab.withKeys(keys(2, 1))
    expect(await turning.resealSecrets()).toEqual({
      subscriptions: { looked: 2, resealed: 2, unreadable: 0 },
      destinations: nothing,
    })
    expect(await turning.resealSecrets()).toEqual({
      subscriptions: { looked: 2, resealed: 0, unreadable: 0 },
      destinations: nothing,
    })
    const after = lab.withKeys(keys(2))
    await after.publish('a', {}, own)
    await after.drain()
    expect(lab.transport.requests[0]?.headers.authorization).toBe(token)
    await lab.check(made[0]?.secret as string)
  })

  it('goes over every page, and counts what no key opens without losing it', async () => {
    const lab = labWith(keys(3))
    await lab.subscribe('lost')
    const known = lab.withKeys(keys(1))
    for (let index = 0; index < 450; index++)
      await known.subscriptions.create({ tenantId: `t${index % 7}`, url, signing: standardWebhooks() })
    const turning = lab.withKeys(keys(2, 1))
    expect(await turning.resealSecrets()).toEqual({
      subscriptions: { looked: 451, resealed: 450, unreadable: 1 },
      destinations: nothing,
    })
    const { items } = await lab.webhooks.subscriptions.list({ tenantId: 'lost' })
    expect(items[0]?.secrets[0]?.hint).toHaveLength(4)
  })

  it('gives way to a change that is made meanwhile', async () => {
    const lab = labWith(keys(1))
    const { subscription } = await lab.subscribe()
    const turning = lab.withKeys(keys(2, 1))
    const read = lab.store.getSubscription
    const first = vi.spyOn(lab.store, 'getSubscription').mockImplementationOnce(async (scope, id) => {
      const row = await read(scope, id)
      await turning.subscriptions.update(subscription.id, { headers: { authorization: token } }, own)
      return row
    })
    onTestFinished(() => first.mockRestore())
    await turning.resealSecrets()
    const after = lab.withKeys(keys(2))
    await after.publish('a', {}, own)
    await after.drain()
    expect(lab.transport.requests[0]?.headers.authorization).toBe(token)
  })
})

describe('a sealer of the host', () => {
  const reversed = (text: string) => [...text].reverse().join('')

  it.each(['sync', 'async'])('may be %s, and learns what a text belongs to', async (kind) => {
    const seen = new Set<string>()
    const turn = (text: string, context: object) => {
      seen.add(JSON.stringify(context))
      return kind === 'sync' ? reversed(text) : Promise.resolve(reversed(text))
    }
    const lab = labWith({ seal: turn, open: turn })
    const { subscription, secret } = await lab.subscribe('acme', { headers: { authorization: token } })
    expect(await lab.stored()).toEqual([reversed(secret as string), reversed(token)])
    await lab.webhooks.publish('a', {}, own)
    await lab.webhooks.drain()
    await lab.check(secret as string)
    const of = { tenantId: 'acme', subscriptionId: subscription.id }
    expect([...seen].map((one) => JSON.parse(one))).toEqual([
      { ...of, purpose: 'header' },
      { ...of, purpose: 'secret' },
    ])
  })

  it.each<readonly [string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('key service: fake secret')
      },
    ],
    ['rejects', () => Promise.reject(new Error('key service: fake secret'))],
    ['returns nothing', () => undefined],
    ['returns bytes', () => new Uint8Array(3)],
  ])('that %s is an error by code that quotes nothing', async (_, fail) => {
    const lab = labWith({ seal: fail as () => string, open: fail as () => string })
    const create = lab.subscribe()
    const code = expect.stringMatching(/^(SEALER_FAILED|SECRET_UNREADABLE)$/)
    await expect(create).rejects.toMatchObject({ code, message: expect.not.stringContaining('fake') })
  })
})

describe('without keys', () => {
  it('refuses a text that looks sealed, as it could not be told from one', async () => {
    const lab = labWith()
    const create = lab.subscribe('acme', { headers: { 'x-note': 'posthorn-sealed.x' } })
    await expect(create).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it.each([
    ['warns', 'production', undefined, 1],
    ['is silent elsewhere, when it is not', 'test', undefined, 0],
    ['is silent with keys', 'production', keys(1), 0],
  ] as const)('%s at start in production', async (_, env, secrets, warnings) => {
    vi.stubEnv('NODE_ENV', env)
    onTestFinished(() => {
      vi.unstubAllEnvs()
    })
    const warn = vi.fn()
    const webhooks = createWebhooks({
      store: memoryStore(),
      logger: { ...quietLogger, warn },
      ...(secrets === undefined ? {} : { secrets }),
    })
    await webhooks.start()
    await webhooks.stop()
    expect(warn).toHaveBeenCalledTimes(warnings)
    if (warnings > 0) expect(warn.mock.calls[0]?.[1]).toContain('sealedSecrets')
  })
})
