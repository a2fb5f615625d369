/** What two stores must agree on: an answer without what a store may choose, and instants by the millisecond. */

/** Chosen freely by a store. */
const FREE = new Set(['number', 'sequence', 'claim', 'leaseUntil', 'versions', 'version', 'nextDueAt'])
const INSTANT = /At$/

/** The value without what is free; instants by the millisecond. Attempt numbers are not free. */
export function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).flatMap(([key, part]) => {
    if (FREE.has(key) && !(key === 'number' && 'deliveryId' in value)) return []
    return [[key, INSTANT.test(key) && typeof part === 'number' ? Math.floor(part) : comparable(part)]]
  })
  return Object.fromEntries(entries)
}
