/** Generators of ids that a host wrote wrongly: the call that needs the id says so, and no event and no delivery is lost. */
import { DatabaseSync } from '@photostructure/sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isPosthornError, type Store } from '../src/index.ts'
import { memoryStore } from '../src/stores/memory.ts'
import { sqliteStore } from '../src/stores/sqlite.ts'
import { manualClock } from '../src/testing/manual-clock.ts'
import { setup } from './support/setup.ts'

const TENANT = { tenantId: 'acme' }
const URL = 'https://receiver.example/'

const bad: Readonly<Record<string, () => unknown>> = {
  empty: () => '',
  'of 65 characters': () => 'x'.repeat(65),
  'of 300 characters': () => 'x'.repeat(300),
  'with a line break': () => 'evt_1\n',
  'with a NUL': () => 'evt_\0',
  'with a letter beyond ASCII': () => 'é',
  'that is a number': () => 7,
  'that is a promise': () => Promise.resolve('evt_1'),
  'that is nothing': () => undefined,
  'that was never returned': () => {
    throw new Error('the generator is down')
  },
}

/** A sender with one bad generator, and what its `problem` hook heard. */
function withIds(ids: object, store?: Store<never>) {
  const problems: { during: string; code: string; path: string | undefined }[] = []
  const made = setup({
    ids,
    ...(store === undefined ? {} : { store }),
    hooks: { problem: ({ during, error }) => problems.push({ during, code: error.code, path: error.path }) },
  })
  return { ...made, problems }
}

describe.each(Object.keys(bad))('an id %s', (kind) => {
  const generate = bad[kind] as () => string

  it('of a subscription is refused by name, and nothing is stored', async () => {
    const { subscribe, webhooks } = withIds({ subscription: generate })
    await expect(subscribe()).rejects.toMatchObject({ code: 'INVALID_OPTION', path: 'ids.subscription' })
    expect((await webhooks.subscriptions.list(TENANT)).items).toEqual([])
  })

  it('of an event is refused by name, and nothing is stored', async () => {
    const { webhooks } = withIds({ event: generate })
    const refusal = { code: 'INVALID_OPTION', path: 'ids.event' }
    await expect(webhooks.publish('a', {}, TENANT)).rejects.toMatchObject(refusal)
    await expect(webhooks.publishMany([{ type: 'a', data: {}, ...TENANT }])).rejects.toMatchObject(refusal)
    expect((await webhooks.events.list(TENANT)).items).toEqual([])
  })

  it.each(['delivery', 'attempt'])('of a %s costs no delivery: one of ours takes its place', async (of) => {
    const { webhooks, subscribe, transport, problems } = withIds({ [of]: generate })
    await subscribe()
    await webhooks.publish('a', {}, TENANT)
    await webhooks.publish('a', {}, { ...TENANT, to: { url: URL } })
    await webhooks.drain()
    expect(transport.requests).toHaveLength(2)
    const { items } = await webhooks.deliveries.list(TENANT)
    expect(items).toMatchObject([{ state: 'succeeded' }, { state: 'succeeded' }])
    expect(problems).toContainEqual({ during: 'ids', code: 'INVALID_OPTION', path: `ids.${of}` })
  })
})

const stores: Readonly<Record<string, () => Promise<Store<never>>>> = {
  memory: async () => memoryStore({ clock: manualClock() }) as Store<never>,
  SQLite: async () => {
    const client = new DatabaseSync(':memory:')
    onTestFinished(() => client.close())
    const store = sqliteStore({ client, clock: manualClock() })
    await store.migrate()
    return store as Store<never>
  },
}

describe.each(Object.keys(stores))('an id that comes twice, over the %s store,', (name) => {
  const made = async (ids: object) => withIds(ids, await stores[name]?.())

  it('is a conflict for the second subscription, which is not stored', async () => {
    const { subscribe } = await made({ subscription: () => 'same' })
    await subscribe()
    await expect(subscribe()).rejects.toMatchObject({ code: 'CONFLICT', path: 'id' })
  })

  it('is a conflict for the second event, however it is published, and never a silent loss', async () => {
    const { webhooks } = await made({ event: () => 'same' })
    const conflict = { code: 'CONFLICT', path: 'ids.event' }
    const both = await Promise.allSettled([1, 2].map((n) => webhooks.publish('a', { n }, TENANT)))
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    await expect(webhooks.publish('a', { n: 3 }, TENANT)).rejects.toMatchObject(conflict)
    const keyed = webhooks.publish('a', { n: 4 }, { ...TENANT, idempotencyKey: 'k' })
    await expect(keyed).rejects.toMatchObject(conflict)
    const many = webhooks.publishMany([{ type: 'a', data: { n: 5 }, ...TENANT }])
    await expect(many).rejects.toMatchObject({ code: 'CONFLICT', path: 'publications[0]' })
    expect((await webhooks.events.list(TENANT)).items).toHaveLength(1)
  })

  it('is no conflict for an idempotency key or an id of the caller’s own', async () => {
    const { webhooks } = await made({ event: () => `evt_${Math.random().toString(36).slice(2)}` })
    const keyed = { ...TENANT, idempotencyKey: 'k' }
    const first = await webhooks.publish('a', {}, keyed)
    expect(await webhooks.publish('a', {}, keyed)).toMatchObject({ id: first.id, duplicate: true })
    await webhooks.publish('a', {}, { ...TENANT, id: 'own' })
    expect(await webhooks.publish('a', {}, { ...TENANT, id: 'own' })).toMatchObject({ duplicate: true })
  })

  it.each(['delivery', 'attempt'])('merges no two %s rows into one', async (of) => {
    const { webhooks, subscribe, transport, problems } = await made({ [of]: () => 'same' })
    await subscribe()
    for (let n = 0; n < 3; n++) await webhooks.publish('a', { n }, TENANT)
    await webhooks.drain()
    expect(transport.requests).toHaveLength(3)
    expect((await webhooks.deliveries.list(TENANT)).items).toHaveLength(3)
    expect((await webhooks.attempts.list(TENANT)).items).toHaveLength(3)
    expect(problems).toHaveLength(2)
  })
})

it('the error of a generator that throws keeps what it threw as its cause', async () => {
  const { webhooks } = withIds({ event: bad['that was never returned'] })
  const error = await webhooks.publish('a', {}, TENANT).catch((caught: unknown) => caught)
  expect(isPosthornError(error) && (error.cause as Error).message).toBe('the generator is down')
})
