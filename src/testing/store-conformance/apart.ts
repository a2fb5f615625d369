/**
 * A store that shares nothing with its caller, put to the test by every case: it is given copies, which are spoiled once it has
 * answered, and what it answers is spoiled once it is copied. A store that keeps an argument, or hands out a row of its own, loses it.
 */
import assert from 'node:assert/strict'
import type { Store } from '../../store.ts'

/** Operations whose arguments are a handle or a function, and that answer at once. */
const DIRECT = new Set(['runsAtOnce', 'onWake'])
/** A transaction is a handle, not data. */
const HANDLE = 'tx'

type Operation = (...given: unknown[]) => Promise<unknown>

/** The store as the cases see it. Rejects where an operation has changed its arguments. */
export function apart(store: Store<unknown>): Store<unknown> {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      if (DIRECT.has(String(name))) return member.bind(target)
      const operation: Operation = member.bind(target)
      return (...given: unknown[]) => {
        const [lent, before] = [copyOf(given), copyOf(given)]
        return operation(...(lent as unknown[])).then((answer) => {
          assert.deepEqual(lent, before, `${String(name)} leaves its arguments as they are`)
          const copy = copyOf(answer)
          spoil(answer)
          spoil(lent)
          return copy
        })
      }
    },
  })
}

function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copyOf)
  if (value instanceof Map) return new Map(Array.from(value, ([key, part]) => [key, copyOf(part)]))
  const copy: Record<string, unknown> = Object.create(Object.getPrototypeOf(value))
  for (const [key, part] of Object.entries(value)) define(copy, key, key === HANDLE ? part : copyOf(part))
  return copy
}

function define(copy: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== '__proto__') copy[key] = value
  else Object.defineProperty(copy, key, { value, enumerable: true, configurable: true, writable: true })
}

/** Empties it, and all within. What is frozen cannot be changed by anybody, and is as good as a copy. */
function spoil(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  if (value instanceof Map) {
    for (const part of value.values()) spoil(part)
    value.clear()
    return
  }
  for (const [key, part] of Object.entries(value)) if (key !== HANDLE) spoil(part)
  if (Array.isArray(value)) Reflect.set(value, 'length', 0)
  else for (const key of Object.keys(value)) Reflect.deleteProperty(value, key)
}
