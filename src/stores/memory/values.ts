/** A deep, frozen copy of plain data, so that neither the caller nor the store can change the other's. */
export function frozenCopy<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Object.freeze(value.map(frozenCopy)) as Value
  const copy: Record<string, unknown> = {}
  for (const [key, part] of Object.entries(value)) define(copy, key, frozenCopy(part))
  return Object.freeze(copy) as Value
}

function define(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') target[key] = value
  else Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}

/** Compares text by its UTF-8 bytes (JavaScript's own order differs above U+D7FF). */
export function compareBytes(one: string, other: string): number {
  const length = Math.min(one.length, other.length)
  for (let index = 0; index < length; index += 1) {
    const a = one.charCodeAt(index)
    const b = other.charCodeAt(index)
    if (a !== b) return rank(a) - rank(b)
  }
  return one.length - other.length
}

/** UTF-16 surrogates stand for what comes after every other unit. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit > 0xdfff ? unit - 0x800 : unit + 0x2000
}

/** True when `after < id ≤ upTo`, byte by byte; null is unbounded. */
export function inRange(
  id: string,
  range: { readonly after: string | null; readonly upTo: string | null },
): boolean {
  if (range.after !== null && compareBytes(id, range.after) <= 0) return false
  return range.upTo === null || compareBytes(id, range.upTo) <= 0
}
