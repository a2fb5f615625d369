/** Custom headers: the corpus, our own cases, and what becomes of them at the door, in rows, on the wire and in reads. */
import { readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { headerGroups, receiverCredentials } from '../../src/guard/header-groups.ts'
import { nameProblem } from '../../src/guard/header-rules.ts'
import { checkHeaders, type HeadersLike } from '../../src/guard.ts'
import {
  createWebhooks,
  ed25519,
  github,
  hmac,
  shopify,
  slack,
  standardWebhooks,
  stripe,
  svix,
} from '../../src/index.ts'
import { ownedHeaders } from '../../src/signing/header-roles.ts'
import { evilReceiver } from '../support/evil-receiver.ts'
import { quietLogger, setup } from '../support/setup.ts'
import { accepted, claims, heldAlone, many, refused } from './header-cases.ts'

interface Entry {
  readonly id: string
  readonly group: string
  readonly name?: string
  readonly value?: unknown
  readonly headers?: readonly (readonly [string, string])[]
  readonly headers_count?: number
  readonly field?: string
  readonly expect: 'allow' | 'reject'
  readonly why: string
}

const corpus: readonly Entry[] = JSON.parse(
  readFileSync(new URL('../fixtures/headers.json', import.meta.url), 'utf8'),
)
const shipped = {
  standardWebhooks: standardWebhooks(),
  ed25519: ed25519(),
  svix: svix(),
  github: github(),
  stripe: stripe(),
  shopify: shopify(),
  slack: slack(),
}
const setOf = (entry: Entry): HeadersLike =>
  entry.headers ??
  (entry.headers_count === undefined
    ? [[entry.name ?? '', entry.value as string]]
    : many(entry.headers_count))
const sets = corpus.filter(({ group }) => group !== 'event')

describe('checkHeaders', () => {
  it.each(sets.map((entry) => [entry.id, entry.why, entry] as const))('%s: %s', (_id, _why, entry) => {
    expect(checkHeaders(setOf(entry)).allowed).toBe(entry.expect === 'allow')
  })

  it.each(refused)('refuses %s', (_why, headers) => {
    const { allowed, reason, headers: left } = checkHeaders(headers as HeadersLike)
    expect(allowed).toBe(false)
    expect(reason).toMatch(/\w/)
    expect(left).toEqual({})
  })

  it.each(claims)('refuses %s, which claims what the tenant cannot know', (name) => {
    expect(checkHeaders({ [name]: 'v' })).toMatchObject({ allowed: false, headers: {} })
  })

  it.each(accepted)('accepts %s', (_why, headers) => {
    expect(checkHeaders(headers as HeadersLike)).toMatchObject({ allowed: true, reason: null })
  })

  it.each(Object.entries(shipped))('refuses every header of the scheme %s', (_name, scheme) => {
    const names = ownedHeaders(scheme)
    expect(names.length).toBeGreaterThan(0)
    for (const name of names)
      for (const spelling of [name.toUpperCase(), name.replaceAll('-', '_')])
        expect(checkHeaders({ [spelling]: 'v' }), spelling).toMatchObject({ allowed: false })
  })

  it('refuses a header of a scheme in force that is spelled with underscores', async () => {
    const scheme = hmac({ header: 'x-acme-digest', timestampHeader: 'x-acme-at' })
    const { subscribe, webhooks } = setup({ signing: scheme })
    for (const name of ['x-acme-digest', 'X_Acme_Digest', 'x_acme_at', 'x.acme-at']) {
      const refusal = { code: 'INVALID_HEADERS', path: `headers["${name.toLowerCase()}"]` }
      await expect(subscribe('acme', { headers: { [name]: 'v' } })).rejects.toMatchObject(refusal)
      const to = { url: 'https://receiver.example/', headers: { [name]: 'v' } }
      await expect(webhooks.publish('a', {}, { tenantId: 'acme', to })).rejects.toMatchObject({
        code: 'INVALID_HEADERS',
      })
    }
    await subscribe('acme', { headers: { x_acme: 'v' } })
  })

  it.each(heldAlone)('needs in %s the entry %s, for %s', (group, entry, name) => {
    const without = headerGroups.map((one) =>
      one.name === group ? { ...one, names: one.names.filter((held) => held !== entry) } : one,
    )
    const left = without.reduce((sum, { names }) => sum + names.length, 0)
    expect(left).toBe(headerGroups.reduce((sum, { names }) => sum + names.length, 0) - 1)
    expect(nameProblem(name)).not.toBeNull()
    expect(nameProblem(name, without)).toBeNull()
  })

  it.each(receiverCredentials)('takes %s alone out of its family', (name) => {
    const isHeld = (asked: string) => nameProblem(asked) !== null
    expect(isHeld(name)).toBe(false)
    expect(isHeld(`${name.slice(0, name.lastIndexOf('-'))}-foo`)).toBe(true)
  })

  it('reads a value once: one that changes is sent as it was judged', () => {
    let reads = 0
    const changing = {
      get 'x-a'() {
        return reads++ === 0 ? 'v' : 'a\r\nb'
      },
    }
    expect(checkHeaders(changing).headers).toEqual({ 'x-a': 'v' })
    expect(reads).toBe(1)
  })

  it('returns the names in lower case and the values as they are', () => {
    expect(checkHeaders({ 'X-Api-Key': 'k_1', Authorization: 'Basic a b' }).headers).toEqual({
      'x-api-key': 'k_1',
      authorization: 'Basic a b',
    })
  })

  it('needs every group of names', () => {
    for (const { name, names } of headerGroups) {
      const [first = ''] = names
      const header = first.replace(/\*/g, 'foo')
      expect(checkHeaders({ [header]: 'v' }), name).toMatchObject({ allowed: false })
      const others = headerGroups.filter((group) => group.name !== name)
      const doubled = others.some((group) => group.names.some((entry) => entry === first))
      expect(doubled, name).toBe(false)
    }
  })

  it('never repeats a value', () => {
    for (const value of ['hunter2\r\n', ' hunter2', 'hunter2é', 'hunter2'.repeat(1000)])
      expect(checkHeaders({ 'x-a': value }).reason).not.toContain('hunter2')
  })
})

const bad = sets.filter((entry) => entry.expect === 'reject' && entry.headers_count === undefined)
const recordOf = (entry: Entry) =>
  Object.fromEntries(Array.isArray(setOf(entry)) ? (setOf(entry) as [string, string][]) : [])

describe('at the door', () => {
  it.each(bad.map((entry) => [entry.id, entry] as const))(
    '%s is refused by create, update and to',
    async (_id, entry) => {
      const { webhooks, subscribe } = setup()
      const headers = recordOf(entry)
      const invalid = { code: 'INVALID_HEADERS' }
      await expect(subscribe('acme', { headers })).rejects.toMatchObject(invalid)
      const { subscription } = await subscribe()
      const updated = webhooks.subscriptions.update(subscription.id, { headers }, { tenantId: 'acme' })
      await expect(updated).rejects.toMatchObject(invalid)
      const to = { url: 'https://receiver.example/', headers }
      await expect(webhooks.publish('a', {}, { tenantId: 'acme', to })).rejects.toMatchObject(invalid)
      expect((await webhooks.events.list({ tenantId: 'acme' })).items).toEqual([])
    },
  )

  it.each(corpus.filter(({ group }) => group === 'event').map((entry) => [entry.id, entry.value] as const))(
    '%s: an event id that is no header value is refused before a row is written',
    async (_id, id) => {
      const { webhooks } = setup()
      const published = webhooks.publish('a', {}, { tenantId: 'acme', id: id as string })
      await expect(published).rejects.toMatchObject({ code: 'INVALID_INPUT', path: 'id' })
      expect((await webhooks.events.list({ tenantId: 'acme' })).items).toEqual([])
    },
  )
})

describe('a row written past the door', () => {
  it.each(bad.filter(({ value }) => typeof value === 'string').map((entry) => [entry.id, entry] as const))(
    '%s is set aside, and nothing is sent',
    async (_id, entry) => {
      const { webhooks, subscribe, store, transport } = setup()
      const { subscription } = await subscribe()
      const headers = recordOf(entry)
      await store.updateSubscription('acme', subscription.id, { headers }, {})
      await webhooks.publish('a', {}, { tenantId: 'acme' })
      await webhooks.drain()
      expect(transport.requests).toEqual([])
      const { items } = await webhooks.deliveries.list({ tenantId: 'acme' })
      expect(items).toMatchObject([{ state: 'failed', reason: 'quarantined' }])
    },
  )
})

describe('on the wire', () => {
  it('custom headers arrive exactly once each, and nothing else does', async () => {
    const evil = await evilReceiver()
    const options = { allowHttp: true, allowCidrs: ['127.0.0.0/8'], logger: quietLogger }
    const webhooks = createWebhooks(options)
    onTestFinished(async () => {
      await webhooks.stop()
      await evil.close()
    })
    const headers = { 'X-Api-Key': 'k_123', Authorization: 'Bearer a  b', 'x-empty': '' }
    await webhooks.subscriptions.create({ tenantId: 'acme', url: evil.url('ok'), headers })
    await webhooks.publish('a', {}, { tenantId: 'acme' })
    await webhooks.drain()
    const sent = evil.requests[0]?.headers.map(([name, value]) => [name.toLowerCase(), value] as const) ?? []
    const names = sent.map(([name]) => name).sort()
    expect(names).toEqual(
      [
        ...['accept-encoding', 'authorization', 'connection', 'content-length', 'content-type', 'host'],
        ...['user-agent', 'webhook-id', 'webhook-signature', 'webhook-timestamp', 'x-api-key', 'x-empty'],
      ].sort(),
    )
    const values = Object.fromEntries(sent)
    expect(values).toMatchObject({ 'x-api-key': 'k_123', authorization: 'Bearer a  b', 'x-empty': '' })
  })
})

describe('values are secret', () => {
  const headers = { 'x-api-key': 'hunter2-key', authorization: 'hunter2-auth' }

  it('in every read, hook, log line and error', async () => {
    const seen: unknown[] = []
    const see = (...all: unknown[]) => void seen.push(all)
    const hooks = { attempted: see, ended: see, subscriptionChanged: see, published: see, problem: see }
    const logger = { debug: see, info: see, warn: see, error: see }
    const { webhooks, subscribe } = setup({ hooks, logger, answer: () => 500 })
    const { subscription } = await subscribe('acme', { headers })
    const scope = { tenantId: 'acme' }
    seen.push(subscription, await webhooks.subscriptions.get(subscription.id, scope))
    seen.push(await webhooks.subscriptions.update(subscription.id, { name: 'n' }, scope))
    seen.push(await webhooks.subscriptions.list(scope))
    await webhooks.publish('a', {}, { ...scope, to: { url: 'https://receiver.example/', headers } })
    await webhooks.publish('a', {}, scope)
    await webhooks.drain()
    seen.push(await webhooks.deliveries.list(scope), await webhooks.attempts.list(scope))
    seen.push(await webhooks.events.list(scope))
    await subscribe('acme', { headers: { 'x-a': 'hunter2\n' } }).catch((error: Error) =>
      seen.push(error.message, error.stack, { ...error }),
    )
    expect(seen.length).toBeGreaterThan(8)
    expect(JSON.stringify(seen)).not.toContain('hunter2')
    expect(subscription).toMatchObject({
      headerNames: ['x-api-key', 'authorization'],
      headers: { 'x-api-key': '[redacted]', authorization: '[redacted]' },
    })
  })

  it('and stay what they are when an update hands them in as they were read', async () => {
    const { webhooks, subscribe, transport } = setup()
    const scope = { tenantId: 'acme' }
    const { subscription } = await subscribe('acme', { headers })
    const changed = { ...subscription.headers, authorization: 'fresh' }
    await webhooks.subscriptions.update(subscription.id, { headers: changed }, scope)
    await webhooks.publish('a', {}, scope)
    await webhooks.drain()
    expect(transport.requests[0]?.headers).toMatchObject({
      'x-api-key': 'hunter2-key',
      authorization: 'fresh',
    })
    const unknown = webhooks.subscriptions.update(
      subscription.id,
      { headers: { 'x-new': '[redacted]' } },
      scope,
    )
    await expect(unknown).rejects.toMatchObject({ code: 'INVALID_HEADERS' })
  })
})

describe('a tenant', () => {
  it('has no more subscriptions than the option allows', async () => {
    const { subscribe, webhooks } = setup({ maxSubscriptionsPerTenant: 2 })
    await subscribe()
    const { subscription } = await subscribe()
    await expect(subscribe()).rejects.toMatchObject({ code: 'CONFLICT', path: 'maxSubscriptionsPerTenant' })
    await subscribe('other')
    await webhooks.subscriptions.delete(subscription.id, { tenantId: 'acme' })
    await subscribe()
  })
})
