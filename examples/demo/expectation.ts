/**
 * What has to arrive, worked out from the plan and the payloads alone. The matching here is written a second time on
 * purpose: a mistake of the library must not hide in the ledger that checks it.
 */
import { createHash } from 'node:crypto'
import type { Payload } from './payloads.ts'
import { eventId, plan, tenants } from './plan.ts'

/** What each receiver is owed. */
export interface Expectation {
  readonly published: number
  /** (receiver, event id) → what must be in it. Receivers that are gone are owed nothing. */
  readonly due: ReadonlyMap<string, { readonly type: string; readonly digest: string }>
  /** Receivers that answer 410. */
  readonly gone: readonly string[]
}

/** Names one webhook of one receiver. */
export const duePair = (key: string, id: string): string => `${key} ${id}`

function wants(pattern: string, type: string): boolean {
  const wanted = pattern.split('.')
  const parts = type.split('.')
  if (wanted.at(-1) !== '*') return pattern === type
  const prefix = wanted.slice(0, -1)
  return parts.length > prefix.length && prefix.every((word, index) => word === parts[index])
}

/** Counts what is due. */
export function expect(payloads: readonly Payload[]): Expectation {
  const due = new Map<string, { type: string; digest: string }>()
  payloads.forEach(({ type, data }, index) => {
    const digest = createHash('sha256').update(JSON.stringify(data)).digest('hex')
    for (const { key, tenantId, pattern, behaviour } of plan) {
      if (behaviour !== 'gone' && wants(pattern, type)) {
        due.set(duePair(key, eventId(tenantId, index)), { type, digest })
      }
    }
  })
  const gone = plan.filter((one) => one.behaviour === 'gone').map((one) => one.key)
  return { published: payloads.length * tenants.length, due, gone }
}
