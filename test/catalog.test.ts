/** The catalogue as its user meets it: names, payloads, patterns, JSON Schemas and examples. */
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineEvents, type StandardSchemaV1 } from '../src/catalog.ts'
import type { PosthornError } from '../src/errors.ts'
import { closest } from '../src/input/closest.ts'

const events = defineEvents({
  'order.paid': z.object({ id: z.string(), total: z.number().int().positive() }),
  'order.item.added': v.object({ sku: v.pipe(v.string(), v.minLength(3)) }),
  USER_GONE: type({ userId: 'string', reason: "'left'|'banned'" }),
})

async function errorOf(run: () => unknown): Promise<PosthornError> {
  try {
    await run()
  } catch (error) {
    return error as PosthornError
  }
  throw new Error('nothing was thrown')
}

describe('names and patterns', () => {
  test('the names are listed in the order of their definition', () => {
    expect(events.types).toEqual(['order.paid', 'order.item.added', 'USER_GONE'])
    expect([events.has('order.paid'), events.has('order.payed'), events.has('toString')]).toEqual([
      true,
      false,
      false,
    ])
  })

  test.each(['', 'with space', 'é', 'order/paid', 'a'.repeat(129)])('refuses the name %j', async (name) => {
    expect(await errorOf(() => defineEvents({ [name]: z.string() }))).toMatchObject({
      code: 'INVALID_OPTION',
    })
  })

  test.each([null, undefined, 'string', {}, { '~standard': { version: 2 } }])(
    'refuses %j for a schema',
    async (schema) => {
      const error = await errorOf(() => defineEvents({ ok: schema as never }))
      expect(error).toMatchObject({ code: 'INVALID_OPTION', path: 'events["ok"]' })
    },
  )

  test.each([
    ['*', true],
    ['order.*', true],
    ['order.item.*', true],
    ['order.paid', true],
    ['USER_GONE', true],
    ['order', false],
    ['order.paid.*', false],
    ['orders.*', false],
    ['.*', false],
    ['', false],
    ['ord*', false],
  ])('the pattern %j matches a known name: %j', (pattern, expected) => {
    expect(events.matchesAny(pattern)).toBe(expected)
  })

  test('names that live on every object are ordinary names', () => {
    const odd = defineEvents({ constructor: z.string(), ['__proto__']: z.number() })
    expect(odd.types).toEqual(['constructor', '__proto__'])
    expect(Object.keys(odd.jsonSchema())).toEqual(['constructor', '__proto__'])
    expect(odd.parse('__proto__', 1)).toEqual({ value: 1 })
  })
})

describe('checking a payload', () => {
  test('gives back the very data, at once, for zod, valibot and arktype', () => {
    const paid = { id: 'o1', total: 3, more: true }
    expect((events.parse('order.paid', paid) as { value: unknown }).value).toBe(paid)
    expect(events.parse('order.item.added', { sku: 'abc' })).toEqual({ value: { sku: 'abc' } })
    expect(events.parse('USER_GONE', { userId: 'u', reason: 'left' })).toHaveProperty('value.userId', 'u')
  })

  test('does not send what a transform makes of it', () => {
    const trimmed = defineEvents({ e: z.object({ name: z.string().trim().default('x') }) })
    expect(trimmed.parse('e', {})).toEqual({ value: {} })
  })

  test('an unknown name is refused with the nearest known one', async () => {
    const error = await errorOf(() => events.parse('order.payed', {}))
    expect(error.code).toBe('UNKNOWN_EVENT_TYPE')
    expect(error.message).toContain('Did you mean "order.paid"?')
  })

  test('a misfit is told by paths and messages', async () => {
    const nested = defineEvents({ e: z.object({ items: z.array(z.object({ price: z.number() })) }) })
    const error = await errorOf(() => nested.parse('e', { items: [{ price: 1 }, { price: 'cheap' }] }))
    expect(error).toMatchObject({ code: 'INVALID_PAYLOAD', path: 'data' })
    expect(error.issues).toEqual([{ path: 'items[1].price', message: expect.stringContaining('number') }])
    expect(error.message).toContain('items[1].price')
  })

  test('no library gets a value of the payload into the error', async () => {
    const secret = 'tok_sEcReT'
    const hidden = defineEvents({
      zod: z.object({ a: z.string().refine(() => false, { error: (issue) => `bad ${issue.input}` }) }),
      valibot: v.object({ a: v.number() }),
      arktype: type({ a: '"x"|"y"' }),
    })
    for (const name of hidden.types) {
      const error = await errorOf(() => hidden.parse(name, { a: secret }))
      expect(error.code).toBe('INVALID_PAYLOAD')
      expect(JSON.stringify([error.message, error.issues])).not.toContain(secret)
    }
  })

  test('an asynchronous schema gives a promise', async () => {
    const slow = defineEvents({ e: z.string().refine(async (text) => text === 'yes') })
    await expect(slow.parse('e', 'yes')).resolves.toEqual({ value: 'yes' })
    expect(await errorOf(() => slow.parse('e', 'no'))).toMatchObject({ code: 'INVALID_PAYLOAD' })
  })

  test('a schema that throws is a typed error with its cause', async () => {
    const cause = new Error('broken')
    const standard = (validate: () => never | Promise<never>): StandardSchemaV1 => ({
      '~standard': { version: 1, vendor: 'own', validate },
    })
    const broken = defineEvents({
      now: standard(() => {
        throw cause
      }),
      later: standard(() => Promise.reject(cause)),
    })
    expect(await errorOf(() => broken.parse('now', 1))).toMatchObject({ code: 'INVALID_PAYLOAD', cause })
    expect(await errorOf(() => broken.parse('later', 1))).toMatchObject({ code: 'INVALID_PAYLOAD', cause })
  })
})

describe('JSON Schema and examples', () => {
  test('describes each payload in 2020-12, as it stands on the wire', () => {
    const dated = defineEvents({
      zod: z.object({ at: z.date(), n: z.string().transform(Number), big: z.bigint().optional() }),
      ark: type({ at: 'Date' }),
      valibot: v.object({ a: v.string() }),
    })
    const schemas = dated.jsonSchema()
    expect(schemas.zod).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      properties: { at: { type: 'string', format: 'date-time' }, n: { type: 'string' } },
    })
    expect(schemas.ark).toMatchObject({ properties: { at: { type: 'string', format: 'date-time' } } })
    expect(schemas.valibot).toEqual({})
    expect(dated.example('valibot')).toEqual({})
  })

  test('zod schemas without a converter of their own are converted by zod', () => {
    const schema = z.object({ at: z.date() })
    const { jsonSchema: _, ...standard } = schema['~standard'] as unknown as Record<string, unknown>
    const old = Object.create(schema, { '~standard': { value: standard } }) as typeof schema
    expect(defineEvents({ e: old }).jsonSchema().e).toMatchObject({
      properties: { at: { format: 'date-time' } },
    })
  })

  test('a converter that refuses is a typed error naming the event', async () => {
    const stubborn = {
      '~standard': {
        version: 1 as const,
        vendor: 'own',
        validate: (value: unknown) => ({ value }),
        jsonSchema: {
          input: () => {
            throw new Error('cannot')
          },
        },
      },
    }
    const error = await errorOf(() => defineEvents({ 'a.b': stubborn }).jsonSchema())
    expect(error).toMatchObject({ code: 'INVALID_OPTION', path: 'events["a.b"]' })
  })

  test("the author's example wins", () => {
    const schema = z.object({ id: z.string().meta({ examples: ['ord_1'] }), n: z.number() })
    expect(defineEvents({ e: schema }).example('e')).toEqual({ id: 'ord_1', n: 1 })
    const whole = schema.meta({ examples: [{ id: 'a', n: 7 }] })
    expect(defineEvents({ e: whole }).example('e')).toEqual({ id: 'a', n: 7 })
  })

  test('an unknown name has no example', async () => {
    expect(await errorOf(() => events.example('nope'))).toMatchObject({ code: 'UNKNOWN_EVENT_TYPE' })
  })

  const tree: z.ZodType = z.lazy(() => z.object({ name: z.string(), children: z.array(tree) }))
  const chain: z.ZodType = z.lazy(() => z.object({ next: chain.nullable() }))
  test.each<[string, z.ZodType]>([
    ['formats', z.object({ a: z.email(), b: z.uuid(), c: z.url(), d: z.iso.datetime(), e: z.iso.date() })],
    ['more formats', z.object({ a: z.ipv4(), b: z.ipv6(), c: z.iso.time(), d: z.iso.duration() })],
    ['bounded text', z.object({ a: z.string().min(12), b: z.string().max(2), c: z.string().length(3) })],
    ['bounded numbers', z.object({ a: z.int().min(5), b: z.number().max(-3), c: z.number().gt(0).lt(0.1) })],
    ['integers', z.object({ a: z.int().gt(4).lt(6), b: z.int().multipleOf(7).min(10), c: z.number().gt(3) })],
    ['choices', z.object({ a: z.enum(['p', 'q']), b: z.literal(4), c: z.union([z.null(), z.string()]) })],
    ['dates to be', z.object({ at: z.coerce.date() })],
    [
      'lists',
      z.object({
        a: z.array(z.string()).min(3),
        b: z.tuple([z.string(), z.number()]),
        c: z.array(z.int()).max(0),
      }),
    ],
    ['records and rests', z.object({ a: z.record(z.string(), z.number()), b: z.boolean().nullable() })],
    ['intersections', z.intersection(z.object({ a: z.string() }), z.object({ b: z.number() }))],
    [
      'tagged unions',
      z.discriminatedUnion('t', [
        z.object({ t: z.literal('a'), n: z.int() }),
        z.object({ t: z.literal('b') }),
      ]),
    ],
    ['optional parts', z.object({ a: z.string().optional(), b: z.string().default('d'), c: z.unknown() })],
    ['trees', tree],
    ['chains', chain],
    ['no object at all', z.number()],
  ])('the example of %s fits its schema', (_, schema) => {
    const catalog = defineEvents({ e: schema })
    expect(catalog.parse('e', catalog.example('e'))).toHaveProperty('value')
  })
})

describe('did you mean', () => {
  test.each([
    ['order.payed', 'order.paid'],
    ['ORDER.PAID', 'order.paid'],
    ['order.paid', 'order.paid'],
    ['invoice', null],
    ['', null],
  ])('%j is near %j', (word, expected) => {
    expect(closest(word, ['order.created', 'order.paid'])).toBe(expected)
  })
})
