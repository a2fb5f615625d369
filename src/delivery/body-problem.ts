/**
 * Finds the place in a value that JSON cannot hold. Runs only after something has failed, so it may be slow; it
 * names keys and kinds, never values.
 */

/** A place such as `data.items[2]` (empty for the root) and what is wrong there. */
export interface BodyProblem {
  readonly path: string
  readonly problem: string
}

const MAX_DEPTH = 1_000

/** Walks as JSON.stringify does and reports the first thing that stops it. */
export function findUnserialisable(value: unknown): BodyProblem {
  const found = visit(() => value, '', '', [])
  return found ?? { path: '', problem: 'holds something that JSON.stringify refuses' }
}

/** The path of the first string (or key) of a JSON text with an unpaired surrogate, or null. */
export function findUnpairedSurrogate(text: string): string | null {
  const queue: { readonly value: unknown; readonly path: string }[] = [{ value: JSON.parse(text), path: '' }]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { value, path } = next
    if (typeof value === 'string' && isIllFormed(value)) return path
    if (typeof value !== 'object' || value === null) continue
    for (const key of Object.keys(value).reverse()) {
      const inner = join(path, key, Array.isArray(value))
      if (isIllFormed(key)) return inner
      queue.push({ value: (value as Record<string, unknown>)[key], path: inner })
    }
  }
  return null
}

function visit(
  read: () => unknown,
  key: string,
  path: string,
  above: readonly { readonly value: object; readonly path: string }[],
): BodyProblem | null {
  if (above.length > MAX_DEPTH) return { path: path.slice(0, 60), problem: 'is nested too deeply' }
  let value: unknown
  try {
    value = read()
  } catch {
    return { path, problem: 'throws when it is read' }
  }
  try {
    if (hasToJson(value)) value = value.toJSON(key)
  } catch {
    return { path, problem: 'has a toJSON that throws' }
  }
  if (typeof value === 'bigint') {
    return { path, problem: 'is a BigInt. Make it a string, or a number if it is small' }
  }
  if (typeof value !== 'object' || value === null) return null
  const holder = value
  const twin = above.find((entry) => entry.value === holder)
  if (twin !== undefined) {
    return { path, problem: `refers back to ${twin.path === '' ? 'the body itself' : twin.path} (a cycle)` }
  }
  const trail = [...above, { value: holder, path }]
  try {
    for (const inner of Object.keys(holder)) {
      const get = () => (holder as Record<string, unknown>)[inner]
      const found = visit(get, inner, join(path, inner, Array.isArray(holder)), trail)
      if (found !== null) return found
    }
  } catch {
    return { path, problem: 'cannot be listed' }
  }
  return null
}

function hasToJson(value: unknown): value is { toJSON(key: string): unknown } {
  if (value === null || (typeof value !== 'object' && typeof value !== 'bigint')) return false
  return typeof (value as { toJSON?: unknown }).toJSON === 'function'
}

function isIllFormed(text: string): boolean {
  return /\p{Surrogate}/u.test(text)
}

function join(path: string, key: string, inArray: boolean): string {
  if (inArray) return `${path}[${key}]`
  if (!/^[\w$-]{1,100}$/.test(key)) return `${path}[${JSON.stringify(key.slice(0, 100))}]`
  return path === '' ? key : `${path}.${key}`
}
