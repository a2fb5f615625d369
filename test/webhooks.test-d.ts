/** What compiles and what does not, when the calls of a sender with a catalogue are used. */
import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { createWebhooks, defineEvents } from '../src/index.ts'
import { memoryStore } from '../src/stores/memory.ts'

const events = defineEvents({
  'order.paid': z.object({ id: z.string() }),
  'order.item.added': z.object({ sku: z.string() }),
})
const typed = createWebhooks({ events, store: memoryStore() })
const free = createWebhooks({ store: memoryStore() })
const url = 'https://receiver.example/hook'

test('patterns of the catalogue are accepted where a subscription is made or changed', () => {
  const { create, update } = typed.subscriptions
  expectTypeOf(create).toBeCallableWith({ tenantId: 'a', url, events: ['*', 'order.*', 'order.item.*'] })
  expectTypeOf(create).toBeCallableWith({ tenantId: 'a', url })
  expectTypeOf(update).toBeCallableWith('sub_1', { events: ['order.paid'] }, { tenantId: 'a' })
  expectTypeOf(update).toBeCallableWith('sub_1', { events: null }, { tenantId: 'a' })
})

test('a wrong pattern does not compile', () => {
  const { create, update, test: ping } = typed.subscriptions
  // @ts-expect-error no event of the catalogue begins with `orders.`
  expectTypeOf(create).toBeCallableWith({ tenantId: 'a', url, events: ['orders.*'] })
  // @ts-expect-error no such event
  expectTypeOf(update).toBeCallableWith('sub_1', { events: ['order.payed'] }, { tenantId: 'a' })
  // @ts-expect-error no such event
  expectTypeOf(ping).toBeCallableWith('sub_1', { tenantId: 'a', type: 'order.payed' })
})

test('jobs are listed by a known state and stopped by their id', () => {
  const { list, stop } = free.jobs
  expectTypeOf(list).toBeCallableWith({ tenantId: 'a', state: 'running', limit: 5 })
  expectTypeOf(list).toBeCallableWith({ tenantIds: ['a', 'b'], cursor: null })
  // @ts-expect-error no such state
  expectTypeOf(list).toBeCallableWith({ tenantId: 'a', state: 'done' })
  // @ts-expect-error ids are texts
  expectTypeOf(stop).toBeCallableWith(5, { tenantId: 'a' })
  expectTypeOf<Awaited<ReturnType<typeof stop>>['state']>().toEqualTypeOf<
    'running' | 'succeeded' | 'failed' | 'stopped'
  >()
})

test('without a catalogue any pattern compiles', () => {
  expectTypeOf(free.subscriptions.create).toBeCallableWith({ tenantId: 'a', url, events: ['any.thing.*'] })
})
