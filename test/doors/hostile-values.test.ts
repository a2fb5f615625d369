/**
 * Every argument of every public call, given every kind of wrong value: it is taken, or refused with a typed error of ours
 * that is no failure of the store. Nothing else is thrown, and nothing hangs.
 */
import { DatabaseSync } from '@photostructure/sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { anyTenant, createWebhooks, isPosthornError, type Store } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import { quietLogger } from '../support/setup.ts'

const VALUES: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  null: null,
  'an empty text': '',
  zero: 0,
  'not a number': Number.NaN,
  infinity: Number.POSITIVE_INFINITY,
  'minus one': -1,
  'a fraction': 1.5,
  'a big integer': 2 ** 53,
  true: true,
  'an empty object': {},
  'an empty list': [],
  'a list of null': [null],
  'a sparse list': new Array(2),
  'a symbol': Symbol('wrong'),
  'another symbol': anyTenant,
  'a function': () => 1,
  'a BigInt': 1n,
  'a NUL': 'a\0b',
  'a lone surrogate': 'a\ud800b',
  'a long text': 'x'.repeat(70_000),
  'a key of every object': '__proto__',
  'a date': new Date(0),
  'no date': new Date(Number.NaN),
  'the last date': new Date(8.64e15),
  'an own __proto__': JSON.parse('{"__proto__":"x"}'),
  'an object without prototype': Object.create(null),
  'a promise': Promise.resolve(1),
  'a Map': new Map([['tenantId', 'acme']]),
  'a quote': "' or 1=1 --",
}

type Call = (...given: unknown[]) => unknown
type Group = Readonly<Record<string, Call>>

const TENANT = { tenantId: 'acme' }
const URL = 'https://receiver.example/hook'
const LIST = ['tenantId', 'limit', 'cursor', 'offset', 'total', 'bogus']
const SPAN = ['since', 'until', 'type']
const FIELDS = [
  ...['id', 'tenantId', 'url', 'events', 'name', 'description', 'headers', 'metadata', 'signing', 'retry'],
  ...['ordering', 'onGivenUp', 'rate', 'concurrency', 'channels', 'filter', 'version', 'secret', 'state'],
]
const PUBLISH = [
  ...['tenantId', 'id', 'idempotencyKey', 'occurredAt', 'deliverAt', 'tx', 'to', 'skip', 'metadata'],
  ...['orderingKey', 'retry', 'delayMs', 'channels', 'bogus'],
]

/** Every call that a value can be handed to, with that value in each place in turn. */
function callsWith(
  webhooks: ReturnType<typeof createWebhooks>,
  id: string,
  value: unknown,
): [string, Call][] {
  const calls: [string, Call][] = []
  const add = (name: string, call: Call) => calls.push([name, call])
  const group = (name: 'subscriptions' | 'deliveries' | 'attempts' | 'events' | 'jobs') =>
    webhooks[name] as unknown as Group
  const each = (name: string, of: Group, method: string, keys: readonly string[], base: object = TENANT) => {
    add(`${name}.${method}(value)`, () => of[method]?.(value))
    for (const key of keys)
      add(`${name}.${method}({ ${key} })`, () => of[method]?.({ ...base, [key]: value }))
  }
  const byId = (name: string, of: Group, method: string, known: string) => {
    add(`${name}.${method}(value)`, () => of[method]?.(value, TENANT))
    add(`${name}.${method}(id, value)`, () => of[method]?.(known, value))
  }
  const subscriptions = group('subscriptions')
  for (const method of [
    'get',
    'pause',
    'resume',
    'disable',
    'enable',
    'rotateSecret',
    'revealSecret',
    'test',
  ])
    byId('subscriptions', subscriptions, method, id)
  add('subscriptions.delete(value)', () => subscriptions.delete?.(value, TENANT))
  add('subscriptions.update(value)', () => subscriptions.update?.(value, {}, TENANT))
  add('subscriptions.update(id, value)', () => subscriptions.update?.(id, value, TENANT))
  add('subscriptions.update(id, {}, value)', () => subscriptions.update?.(id, {}, value))
  each('subscriptions', subscriptions, 'create', FIELDS, { ...TENANT, url: URL })
  each('subscriptions', subscriptions, 'matches', ['type', 'data', 'metadata', 'channels'], {
    ...TENANT,
    type: 'a',
  })
  each('subscriptions', subscriptions, 'list', [...LIST, 'eventType', 'state', 'metadata'])
  each('subscriptions', subscriptions, 'list', ['tenantIds'], {})
  const deliveries = group('deliveries')
  for (const method of ['get', 'redeliver', 'cancel']) byId('deliveries', deliveries, method, 'dlv_none')
  const ofOne = [...LIST, ...SPAN, 'subscriptionId', 'eventId', 'state', 'status', 'deliveryId']
  each('deliveries', deliveries, 'list', ofOne)
  each('attempts', group('attempts'), 'list', ofOne)
  each('events', group('events'), 'list', ofOne)
  byId('events', group('events'), 'get', 'evt_none')
  for (const method of ['get', 'stop']) byId('jobs', group('jobs'), method, 'none')
  each('jobs', group('jobs'), 'list', [...LIST, 'state'])
  each('jobs', group('jobs'), 'list', ['tenantIds'], {})
  const order = { ...TENANT, subscription: id }
  for (const method of ['retryAll', 'replay', 'replayMissing', 'cancel'])
    each('deliveries', deliveries, method, [...SPAN, 'tenantId', 'subscription', 'status', 'types'], order)
  const root = webhooks as unknown as Group
  each('webhooks', root, 'stats', ['tenant', 'tenantIds', 'subscription', 'since', 'until', 'bucket'], {})
  each('webhooks', root, 'health', ['maxDueAgeMs', 'timeoutMs', 'bogus'], {})
  add('publish(type)', () => root.publish?.(value, {}, TENANT))
  add('publish(data)', () => root.publish?.('a', value, TENANT))
  add('publish(options)', () => root.publish?.('a', {}, value))
  for (const key of PUBLISH)
    add(`publish({ ${key} })`, () => root.publish?.('a', {}, { ...TENANT, [key]: value }))
  for (const key of ['url', 'secret', 'headers', 'bogus'])
    add(`publish({ to: { ${key} } })`, () =>
      root.publish?.('a', {}, { ...TENANT, to: { url: URL, [key]: value } }),
    )
  add('publishMany(value)', () => root.publishMany?.(value))
  add('publishMany([value])', () => root.publishMany?.([value]))
  add('publishMany([], value)', () => root.publishMany?.([], value))
  add('publishMany([], { tx })', () =>
    root.publishMany?.([{ type: 'a', data: {}, ...TENANT }], { tx: value }),
  )
  add('publishMany([{ tx }])', () => root.publishMany?.([{ type: 'a', data: {}, ...TENANT, tx: value }]))
  return calls
}

const stores: Readonly<Record<string, () => Store<never>>> = {
  memory: () => memoryStore() as Store<never>,
  SQLite: () => {
    const client = new DatabaseSync(':memory:')
    onTestFinished(() => client.close())
    return sqliteStore({ client }) as Store<never>
  },
}

describe.each(Object.keys(stores))('over the %s store', (name) => {
  it('every wrong value is taken or refused by name', { timeout: 120_000 }, async () => {
    const store = stores[name]?.() as Store<never>
    const webhooks = createWebhooks({ store, transport: fakeTransport(), logger: quietLogger })
    await webhooks.migrate()
    const { subscription } = await webhooks.subscriptions.create({ ...TENANT, url: URL })
    const escaped: string[] = []
    for (const [kind, value] of Object.entries(VALUES)) {
      for (const [what, call] of callsWith(webhooks, subscription.id, value)) {
        try {
          const answer: unknown = call()
          if (!(answer instanceof Promise)) escaped.push(`${what} with ${kind}: gave no promise`)
          await answer
        } catch (error) {
          if (isPosthornError(error) && error.code !== 'STORE_FAILED') continue
          escaped.push(`${what} with ${kind}: ${String(error)}`)
        }
      }
    }
    expect(escaped).toEqual([])
  })
})
