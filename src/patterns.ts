/**
 * Event names and patterns, and the tenant's bucket: pure functions that engine, stores and receivers of the
 * conformance kit must agree on to the letter.
 */

/** An event name: 1 to 128 of letters, digits, `_`, `.`, `:`, `-`. */
export const EVENT_NAME = /^[A-Za-z0-9_.:-]{1,128}$/

/** True for `*`, `prefix.*` (the prefix being a name), or an exact name. */
export function isPattern(text: string): boolean {
  if (text === '*') return true
  return EVENT_NAME.test(text.endsWith('.*') ? text.slice(0, -2) : text)
}

/**
 * `*` matches every name; `order.*` matches `order.paid` and `order.item.added`, not `order`; a name matches itself.
 * Case counts.
 */
export function matchesPattern(pattern: string, eventType: string): boolean {
  if (pattern === '*' || pattern === eventType) return true
  return (
    pattern.endsWith('.*') && eventType.length >= pattern.length && eventType.startsWith(pattern.slice(0, -1))
  )
}

/** 0–255 from the tenant id (FNV-1a over its UTF-8 bytes, folded), so that workers can share out tenants. */
export function tenantBucket(tenantId: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(tenantId)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return (hash ^ (hash >>> 8) ^ (hash >>> 16) ^ (hash >>> 24)) & 0xff
}
