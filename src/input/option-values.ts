/** What the options take that is no plain value: functions, schemes, and the parts that somebody else makes. */
import { z } from 'zod/v4'
import type { Scheme } from '../signing/scheme.ts'

/** Any function. */
export const fn = z.custom<(...args: never[]) => unknown>(
  (value) => typeof value === 'function',
  'must be a function',
)

/** Any object. */
export const object = z.custom<object>(
  (value) => typeof value === 'object' && value !== null,
  'must be an object',
)

/** An object with all of these methods; `fix` says what to give. */
function having(methods: readonly string[], fix: string) {
  const has = (value: object) =>
    methods.every((name) => typeof (value as Record<string, unknown>)[name] === 'function')
  return z.custom<object>((value) => typeof value === 'object' && value !== null && has(value), fix)
}

/** A store, by some of the operations that each has. */
export const store = having(
  ['open', 'append', 'claim', 'record', 'now'],
  'must be a store, for example `postgresStore({ client: pool })` of posthorn/postgres; a pool or an ORM goes into the store of its kind',
)
/** A catalogue of events. */
export const catalog = having(
  ['has', 'parse', 'matchesAny'],
  "must be a catalogue: wrap the map in `defineEvents({ 'order.paid': schema })`",
)
/** A transport. */
export const transport = having(
  ['send'],
  'must be a transport, for example `undiciTransport()` or `kyTransport()`',
)

const scheme = z.custom<Scheme>(
  (value) => typeof value === 'object' && value !== null && 'spec' in value,
  'must be a scheme such as standardWebhooks() or hmac({ … })',
)

/** One scheme, or several. */
export const signing = z.union(
  [scheme, z.array(z.strictObject({ scheme, until: z.date().optional() })).min(1)],
  {
    error:
      'must be a scheme such as standardWebhooks() or github(), called, or a list of at least one `{ scheme, until? }`',
  },
)
