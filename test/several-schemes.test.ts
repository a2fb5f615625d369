/** Several signature schemes on one subscription: each signs with the secrets of its kind, so that receivers can be moved. */

import { inspect } from 'node:util'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import {
  createWebhooks,
  customScheme,
  ed25519,
  github,
  hmac,
  type Scheme,
  standardWebhooks,
} from '../src/index.ts'
import { verify } from '../src/signing/index.ts'
import { memoryStore } from '../src/stores/memory.ts'
import { quietLogger, setup } from './support/setup.ts'

const own = { tenantId: 'acme' }
const both = [{ scheme: standardWebhooks() }, { scheme: ed25519() }]
const HOUR = 3_600_000

type Lab = ReturnType<typeof setup>

/** Publishes one event and returns its request. */
async function sent({ webhooks, transport }: Lab) {
  await webhooks.publish('a', { n: 1 }, own)
  await webhooks.drain()
  const request = transport.requests.at(-1)
  if (request === undefined) throw new Error('nothing was sent')
  return request
}

/** The index of the secret that verifies, or the code of the error. */
async function verified(
  lab: Lab,
  request: Awaited<ReturnType<typeof sent>>,
  secrets: string[],
  scheme: Scheme,
) {
  const now = Math.floor(lab.clock.now() / 1000)
  try {
    return (await verify(request, { secrets, scheme, now })).secretIndex
  } catch (error) {
    return (error as { code: string }).code
  }
}

const kindOf = (secret: string) => secret.slice(0, 5)

describe('schemes of different kinds on one subscription', () => {
  it('get a secret each, and both signatures are right', async () => {
    const lab = setup()
    const { secret, publicKey, secrets } = await lab.subscribe('acme', { signing: both })
    expect(secrets.map((one: { secret: string }) => kindOf(one.secret))).toEqual(['whsec', 'whsk_'])
    expect(secrets).toMatchObject([
      { secret, schemes: ['standard-webhooks'] },
      { publicKey, schemes: ['ed25519'] },
    ])
    const request = await sent(lab)
    expect(await verified(lab, request, [secret as string], standardWebhooks())).toBe(0)
    expect(await verified(lab, request, [publicKey as string], ed25519())).toBe(0)
    expect(request.headers['webhook-signature']).toMatch(/^v1,\S+ v1a,\S+$/)
  })

  it('are accepted by the published standardwebhooks package', async () => {
    const { transport } = setup()
    const webhooks = createWebhooks({ store: memoryStore(), transport, logger: quietLogger, signing: both })
    const { secret } = await webhooks.subscriptions.create({ ...own, url: 'https://receiver.example' })
    await webhooks.publish('a', { n: 1 }, own)
    await webhooks.drain()
    const [request] = transport.requests
    const body = new TextDecoder().decode(request?.body)
    expect(new Webhook(secret ?? '').verify(body, request?.headers ?? {})).toMatchObject({ data: { n: 1 } })
  })

  it('share one secret where one fits both', async () => {
    const lab = setup({ signing: [{ scheme: standardWebhooks() }, { scheme: github() }] })
    const { secrets } = await lab.subscribe()
    expect(secrets).toMatchObject([{ schemes: ['standard-webhooks', 'hmac'] }])
    const request = await sent(lab)
    const secret = secrets[0]?.secret ?? ''
    expect(await verified(lab, request, [secret], standardWebhooks())).toBe(0)
    expect(await verified(lab, request, [secret], github())).toBe(0)
  })

  it('take a given secret for its kind and make the other', async () => {
    const lab = setup({ signing: both })
    const mine = `whsec_${btoa('obviously-fake-secret-of-a-test!')}`
    const { secret, secrets } = await lab.subscribe('acme', { secret: mine })
    expect(secret).toBe(mine)
    expect(secrets.map((one: { secret: string }) => kindOf(one.secret))).toEqual(['whsec', 'whsk_'])
  })

  it('refuse a secret that none of them can use, and say why', async () => {
    const { subscribe } = setup({ signing: both })
    const wrong = subscribe('acme', { secret: 'whsec_fake fake' })
    await expect(wrong).rejects.toMatchObject({ code: 'INVALID_SECRET', path: 'secret' })
    await expect(wrong).rejects.not.toThrow(/fake/)
  })

  it('never give a private key to a custom scheme that does not check its secrets', async () => {
    const seen: string[] = []
    const definition = {
      name: 'acme',
      headers: ['x-token'],
      sign: (_message: object, secrets: readonly string[]) => {
        seen.push(...secrets)
        return { 'x-token': 'made' }
      },
    }
    const lab = setup({
      signing: [{ scheme: ed25519() }, { scheme: customScheme(definition) }],
      customSchemes: [definition],
    })
    await lab.subscribe()
    await sent(lab)
    expect(seen).toHaveLength(1)
    expect(seen[0]).not.toMatch(/^whsk_/)
  })
})

describe('rotation with several kinds', () => {
  async function subscribed() {
    const lab = setup({ signing: both })
    const { subscription, secrets } = await lab.subscribe()
    const [hmacSecret, keyPair] = secrets
    return { ...lab, id: subscription.id, old: hmacSecret?.secret ?? '', oldKey: keyPair?.publicKey ?? '' }
  }

  it('replaces all of them, and the old ones sign until the overlap ends', async () => {
    const lab = await subscribed()
    const { secrets } = await lab.webhooks.subscriptions.rotateSecret(lab.id, { ...own, overlapMs: HOUR })
    const [next, nextKey] = [secrets[0]?.secret ?? '', secrets[1]?.publicKey ?? '']
    for (const [atMs, oldCounts] of [
      [0, true],
      [HOUR + 1_000, false],
    ] as const) {
      await lab.clock.advance(atMs)
      const request = await sent(lab)
      expect(await verified(lab, request, [next], standardWebhooks())).toBe(0)
      expect(await verified(lab, request, [nextKey], ed25519())).toBe(0)
      expect(await verified(lab, request, [lab.old], standardWebhooks())).toBe(oldCounts ? 0 : 'no-match')
      expect(await verified(lab, request, [lab.oldKey], ed25519())).toBe(oldCounts ? 0 : 'no-match')
    }
  })

  it.each<readonly [string, object]>([
    ['the name of a scheme', { scheme: 'ed25519' }],
    ['the scheme itself', { scheme: ed25519() }],
  ])('leaves the other kind alone with %s', async (_, options) => {
    const lab = await subscribed()
    const rotated = await lab.webhooks.subscriptions.rotateSecret(lab.id, {
      ...own,
      ...options,
      overlapMs: 0,
    })
    expect(rotated.secrets).toMatchObject([{ schemes: ['ed25519'] }])
    expect(rotated.secret).toMatch(/^whsk_/)
    expect(rotated.subscription.secrets).toHaveLength(2)
    const request = await sent(lab)
    expect(await verified(lab, request, [lab.old], standardWebhooks())).toBe(0)
    expect(await verified(lab, request, [rotated.publicKey ?? ''], ed25519())).toBe(0)
    expect(await verified(lab, request, [lab.oldKey], ed25519())).toBe('no-match')
  })

  it('takes a given secret for its kind', async () => {
    const lab = await subscribed()
    const mine = `whsec_${btoa('another-fake-secret-of-the-test!')}`
    await lab.webhooks.subscriptions.rotateSecret(lab.id, { ...own, secret: mine, overlapMs: 0 })
    const request = await sent(lab)
    expect(await verified(lab, request, [lab.old, mine], standardWebhooks())).toBe(1)
    expect(await verified(lab, request, [lab.oldKey], ed25519())).toBe(0)
    expect(await lab.webhooks.subscriptions.revealSecret(lab.id, own)).toBe(mine)
    const key = await lab.webhooks.subscriptions.revealSecret(lab.id, { ...own, scheme: 'ed25519' })
    expect(key).toMatch(/^whsk_/)
  })

  it('keeps at most eleven of a kind, and signs all the while', async () => {
    const lab = await subscribed()
    for (let round = 0; round < 15; round++)
      await lab.webhooks.subscriptions.rotateSecret(lab.id, { ...own, scheme: 'standard-webhooks' })
    const { secrets } = await lab.webhooks.subscriptions.get(lab.id, own)
    expect(secrets).toHaveLength(12)
    const request = await sent(lab)
    expect(await verified(lab, request, [lab.oldKey], ed25519())).toBe(0)
  })

  it.each(['github', 'hmac', '', 7, {}])('refuses the scheme %j, which it does not have', async (scheme) => {
    const lab = await subscribed()
    const rotated = lab.webhooks.subscriptions.rotateSecret(lab.id, { ...own, scheme: scheme as string })
    await expect(rotated).rejects.toMatchObject({ code: 'INVALID_INPUT', path: 'scheme' })
  })
})

describe('moving from one scheme to another', () => {
  it('signs with both for a time, then with the new one alone, whatever their kinds', async () => {
    const lab = setup()
    const { subscription, secret } = await lab.subscribe()
    const { id } = subscription
    const until = new Date(lab.clock.now() + HOUR)
    await lab.webhooks.subscriptions.update(
      id,
      { signing: [{ scheme: standardWebhooks(), until }, { scheme: ed25519() }] },
      own,
    )
    const key = await lab.webhooks.subscriptions.revealSecret(id, { ...own, scheme: 'ed25519' })
    expect(key).toMatch(/^whsk_/)
    const during = await sent(lab)
    expect(during.headers['webhook-signature']).toMatch(/^v1,\S+ v1a,\S+$/)
    expect(await verified(lab, during, [secret as string], standardWebhooks())).toBe(0)
    await lab.clock.advance(HOUR + 1)
    expect((await sent(lab)).headers['webhook-signature']).toMatch(/^v1a,\S+$/)
    await lab.webhooks.subscriptions.update(id, { signing: ed25519() }, own)
    expect((await lab.webhooks.subscriptions.get(id, own)).secrets).toHaveLength(1)
    expect((await sent(lab)).headers['webhook-signature']).toMatch(/^v1a,\S+$/)
  })

  it('keeps a secret that the new scheme can use', async () => {
    const lab = setup()
    const { subscription, secret } = await lab.subscribe()
    const signing = hmac({ header: 'x-signature' })
    await lab.webhooks.subscriptions.update(subscription.id, { signing }, own)
    const request = await sent(lab)
    expect(await verified(lab, request, [secret as string], signing)).toBe(0)
  })

  it('sends one event to a one-use destination with the schemes that its secret fits', async () => {
    const lab = setup({ signing: both })
    const secret = `whsec_${btoa('obviously-fake-secret-of-a-test!')}`
    await lab.webhooks.publish('a', {}, { ...own, to: { url: 'https://once.example', secret } })
    await lab.webhooks.drain()
    expect(lab.transport.requests[0]?.headers['webhook-signature']).toMatch(/^v1,\S+$/)
  })
})

describe('a custom scheme that throws its secret about', () => {
  const fails = (text: string): never => {
    throw new Error(`cannot use "${text}"`)
  }
  it.each([
    ['sign', { sign: (_message: object, [secret = '']: readonly string[]) => fails(secret) }],
    ['sign, later', { sign: async (_message: object, [secret = '']: readonly string[]) => fails(secret) }],
  ])('in %s sends nothing, and shows it nowhere', async (_where, how) => {
    const definition = { name: 'acme', headers: ['x-token'], ...how }
    const said: unknown[] = []
    const lab = setup({
      signing: customScheme(definition as never),
      customSchemes: [definition as never],
      hooks: { problem: (report) => said.push(report), attempted: (report) => said.push(report) },
    })
    await lab.subscribe('acme', { secret: 'fakeSecretOfACustomScheme' })
    await lab.webhooks.publish('a', {}, own)
    await lab.webhooks.drain()
    expect(lab.transport.requests).toEqual([])
    const { items } = await lab.webhooks.attempts.list({ tenantId: 'acme' })
    expect(items).toMatchObject([{ failure: 'invalid-request', message: expect.stringContaining('threw') }])
    expect(inspect([said, items], { depth: 20, showHidden: true })).not.toContain('fakeSecret')
  })
})
