/** Endpoint ownership: nothing is delivered before the receiver has agreed in its own words. */
import { describe, expect, it } from 'vitest'
import { customScheme } from '../src/index.ts'
import { verify } from '../src/signing/index.ts'
import type { TransportRequest } from '../src/transport.ts'
import { setup } from './support/setup.ts'

const scope = { tenantId: 'acme' }
const text = (request: TransportRequest) => new TextDecoder().decode(request.body)
const asked = (request: TransportRequest) => text(request).includes('url_verification')
const challengeOf = (request: TransportRequest): string => JSON.parse(text(request)).challenge
const unverified = { state: 'disabled', disabledReason: 'unverified' }

describe("verifyEndpoint: 'challenge'", () => {
  it('does not wait for ever for a scheme that never signs', async () => {
    const scheme = customScheme({ name: 'own', headers: ['x-own'], sign: () => new Promise(() => undefined) })
    const made = setup({
      verifyEndpoint: 'challenge',
      signing: scheme,
      customSchemes: [scheme.custom as never],
    })
    const creating = made.subscribe()
    await made.clock.advance(15_000)
    expect((await creating).subscription).toMatchObject(unverified)
    expect(made.transport.requests).toEqual([])
  })

  it.each([
    ['bare', (challenge: string) => `${challenge}\n`],
    ['as JSON', (challenge: string) => JSON.stringify({ challenge })],
    [
      'as JSON with words of its own',
      (challenge: string) => JSON.stringify({ ok: true, challenge }, null, 2),
    ],
  ])('makes a subscription active once the challenge comes back, %s', async (_how, answer) => {
    const { subscribe, webhooks, transport, clock } = setup({
      verifyEndpoint: 'challenge',
      answer: (request) => (asked(request) ? { excerpt: answer(challengeOf(request)) } : 200),
    })
    const { subscription, secret } = await subscribe('acme', { headers: { 'x-api-key': 'k' } })
    expect(subscription).toMatchObject({ state: 'active', disabledReason: null })
    const [request] = transport.requests
    expect(request?.headers).toMatchObject({ 'content-type': 'application/json', 'x-api-key': 'k' })
    const now = clock.now() / 1000
    await verify(
      { headers: request?.headers ?? {}, body: request?.body ?? '' },
      { secret: secret ?? '', now },
    )
    await webhooks.publish('a', {}, scope)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(2)
  })

  it.each([
    ['a 200 without it', () => 200],
    ['another text', () => ({ excerpt: 'ok' })],
    ['the whole request back', (request: TransportRequest) => ({ excerpt: text(request) })],
    [
      'the whole request, written anew',
      (request: TransportRequest) => ({
        excerpt: `\n${JSON.stringify(JSON.parse(text(request)), null, 2)}\n`,
      }),
    ],
    [
      'the whole request, in another order and with more',
      (request: TransportRequest) => {
        const { type, challenge } = JSON.parse(text(request))
        return { excerpt: JSON.stringify({ receivedAt: 1, challenge, type }) }
      },
    ],
    [
      'the whole request inside an object',
      (request: TransportRequest) => ({ excerpt: JSON.stringify({ json: JSON.parse(text(request)) }) }),
    ],
    ['the whole request twice', (request: TransportRequest) => ({ excerpt: text(request).repeat(2) })],
    [
      'the challenge inside a page',
      (request: TransportRequest) => ({ excerpt: `<p>${challengeOf(request)}</p>` }),
    ],
    [
      'the challenge with an error',
      (request: TransportRequest) => ({ status: 404, excerpt: challengeOf(request) }),
    ],
    [
      'the challenge with a redirect',
      (request: TransportRequest) => ({ status: 302, excerpt: challengeOf(request) }),
    ],
    ['broken JSON', () => ({ excerpt: '{"challenge":' })],
    ['an error', () => 500],
  ])('leaves it unverified after %s, and sends nothing', async (_what, answer) => {
    const { subscribe, webhooks, transport } = setup({ verifyEndpoint: 'challenge', answer })
    const { subscription } = await subscribe()
    expect(subscription).toMatchObject(unverified)
    await webhooks.publish('a', {}, scope)
    const tested = webhooks.subscriptions.test(subscription.id, scope)
    await expect(tested).rejects.toMatchObject({ code: 'CONFLICT' })
    await webhooks.drain()
    await expect(webhooks.subscriptions.enable(subscription.id, scope)).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    await expect(webhooks.subscriptions.resume(subscription.id, scope)).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    expect(await webhooks.subscriptions.get(subscription.id, scope)).toMatchObject(unverified)
    expect(transport.requests.every(asked)).toBe(true)
  })

  it('asks again at enable, and for each new URL', async () => {
    let willing = false
    const { subscribe, webhooks, transport } = setup({
      verifyEndpoint: 'challenge',
      answer: (request) => (willing && asked(request) ? { excerpt: challengeOf(request) } : 200),
    })
    const { subscription } = await subscribe()
    willing = true
    const { id } = subscription
    expect(await webhooks.subscriptions.enable(id, scope)).toMatchObject({ state: 'active' })
    await webhooks.subscriptions.update(id, { name: 'n' }, scope)
    expect(transport.requests).toHaveLength(2)
    const moved = await webhooks.subscriptions.update(id, { url: 'https://other.example/' }, scope)
    expect(moved).toMatchObject({ state: 'active', url: 'https://other.example/' })
    expect(transport.requests.at(-1)?.url).toBe('https://other.example/')
    willing = false
    expect(await webhooks.subscriptions.update(id, { url: 'https://third.example/' }, scope)).toMatchObject(
      unverified,
    )
    await expect(webhooks.subscriptions.enable(id, scope)).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('cannot be gone round by a first state, nor by disabling first', async () => {
    const { subscribe, webhooks, transport } = setup({ verifyEndpoint: 'challenge' })
    for (const state of ['disabled', 'paused']) {
      const { subscription } = await subscribe('acme', { state })
      expect(subscription).toMatchObject(unverified)
      await webhooks.subscriptions.disable(subscription.id, { ...scope, reason: 'user' })
      await expect(webhooks.subscriptions.enable(subscription.id, scope)).rejects.toMatchObject({
        code: 'CONFLICT',
      })
    }
    expect(transport.requests.every(asked)).toBe(true)
  })

  it('keeps a paused one paused', async () => {
    const { subscribe } = setup({
      verifyEndpoint: 'challenge',
      answer: (request) => ({ excerpt: challengeOf(request) }),
    })
    const { subscription } = await subscribe('acme', { state: 'paused' })
    expect(subscription).toMatchObject({ state: 'paused', pausedBy: 'user', disabledReason: null })
  })
})

describe("verifyEndpoint: 'cloudevents'", () => {
  it.each([
    ['us', 'hooks.acme.example', 200],
    ['everyone', '*', 204],
    ['us in other case, beside others', 'x.example, Hooks.ACME.example', 200],
    ['us, whatever the status', 'hooks.acme.example', 405],
  ])('makes a subscription active when %s may send', async (_who, allowed, status) => {
    const { subscribe, transport } = setup({
      verifyEndpoint: 'cloudevents',
      verifyOrigin: 'hooks.acme.example',
      answer: () => ({ status, headers: { 'webhook-allowed-origin': allowed } }),
    })
    const { subscription } = await subscribe()
    expect(subscription).toMatchObject({ state: 'active' })
    expect(transport.requests).toMatchObject([
      { method: 'OPTIONS', headers: { 'webhook-request-origin': 'hooks.acme.example' } },
    ])
  })

  it.each([
    ['any status without the header', { status: 200, headers: { allow: 'POST, OPTIONS' } }],
    ['another origin', { headers: { 'webhook-allowed-origin': 'other.example' } }],
    ['an origin that only ends alike', { headers: { 'webhook-allowed-origin': 'not-posthorn' } }],
    ['an empty header', { headers: { 'webhook-allowed-origin': '' } }],
    ['CORS for everyone', { headers: { 'access-control-allow-origin': '*' } }],
  ])('takes %s for no consent', async (_what, answer) => {
    const { subscribe } = setup({ verifyEndpoint: 'cloudevents', answer: () => answer })
    expect((await subscribe()).subscription).toMatchObject(unverified)
  })
})

describe('verifyEndpoint: false', () => {
  it('asks nobody', async () => {
    const { subscribe, transport } = setup({ verifyEndpoint: false })
    expect((await subscribe()).subscription).toMatchObject({ state: 'active' })
    expect(transport.requests).toEqual([])
  })
})
