/** What compiles and what does not, when events are defined. */
import { type } from 'arktype'
import * as v from 'valibot'
import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import {
  type Catalog,
  defineEvents,
  type EventName,
  type EventPattern,
  type EventPayload,
} from '../src/catalog.ts'
import type { Parts } from '../src/parts.ts'

const events = defineEvents({
  'order.paid': z.object({
    id: z.string(),
    total: z.string().transform(Number),
    note: z.string().default(''),
  }),
  'order.item.added': v.object({ sku: v.string() }),
  USER_GONE: type({ userId: 'string' }),
})
type Events = typeof events

test('names are the keys of the map', () => {
  expectTypeOf<EventName<Events>>().toEqualTypeOf<'order.paid' | 'order.item.added' | 'USER_GONE'>()
})

test('payloads are what goes into the schema, for zod, valibot and arktype', () => {
  expectTypeOf<EventPayload<Events, 'order.paid'>>().toEqualTypeOf<{
    id: string
    total: string
    note?: string | undefined
  }>()
  expectTypeOf<EventPayload<Events, 'order.item.added'>>().toEqualTypeOf<{ sku: string }>()
  expectTypeOf<EventPayload<Events, 'USER_GONE'>>().toEqualTypeOf<{ userId: string }>()
  expectTypeOf<EventPayload<Events, 'order.payed'>>().toBeNever()
})

test('patterns are the star, the names and every dotted prefix', () => {
  expectTypeOf<EventPattern<Events>>().toEqualTypeOf<
    '*' | 'order.paid' | 'order.item.added' | 'USER_GONE' | 'order.*' | 'order.item.*'
  >()
})

test('without a catalogue anything goes', () => {
  expectTypeOf<EventName<null>>().toEqualTypeOf<string>()
  expectTypeOf<EventPayload<null, 'x'>>().toEqualTypeOf<unknown>()
  expectTypeOf<EventPattern<null>>().toEqualTypeOf<string>()
})

test('the catalogue of any map stands where any catalogue is asked for', () => {
  expectTypeOf(events).toExtend<Catalog>()
  expectTypeOf(events).toExtend<Parts['catalog']>()
  expectTypeOf<EventName<Catalog>>().toEqualTypeOf<string>()
  expectTypeOf<EventPayload<Catalog, 'x'>>().toEqualTypeOf<unknown>()
  expectTypeOf<EventPattern<Catalog>>().toEqualTypeOf<string>()
})

test('a value that is no schema does not compile', () => {
  // @ts-expect-error a string is no schema
  expectTypeOf(defineEvents).toBeCallableWith({ 'order.paid': 'string' })
})
