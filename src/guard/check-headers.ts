/** Judges a set of custom headers: each name and value by itself, then the set. */
import { MAX_HEADERS, MAX_TOTAL_LENGTH, nameProblem, valueProblem } from './header-rules.ts'

/** Custom headers in any of their usual shapes. */
export type HeadersLike =
  | Readonly<Record<string, string>>
  | readonly (readonly [name: string, value: string])[]
  | Headers

/** What is said of a set of headers. */
export interface HeadersVerdict {
  readonly allowed: boolean
  /** Why not, beginning with the header's name where one is at fault; null when they are allowed. Never a value. */
  readonly reason: string | null
  /** The headers with names in lower case; {} when they are refused. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Judges headers that a stranger wants sent: at most 50, names of 128 characters, values of 4096, all together 16 KB;
 * none that frames the request, speaks to a proxy or platform, claims trust, or looks like a signature. Never throws.
 *
 * @example
 * const { allowed, reason } = checkHeaders({ authorization: `Bearer ${token}` })
 */
export function checkHeaders(headers: HeadersLike): HeadersVerdict {
  const entries = entriesOf(headers)
  if (entries === null) return refused('must be an object of names and values')
  if (typeof entries === 'number')
    return refused(`has ${entries} headers; at most ${MAX_HEADERS} are allowed`)
  const checked = new Map<string, string>()
  let total = 0
  for (const [name, value] of entries) {
    if (typeof name !== 'string') return refused(`has a name of type ${typeof name}: names are strings`)
    const problem = problemOf(name, value, checked)
    if (problem !== null || typeof value !== 'string')
      return refused(`[${JSON.stringify(name.slice(0, 128))}] ${problem}`)
    checked.set(name.toLowerCase(), value)
    total += name.length + value.length
  }
  if (total > MAX_TOTAL_LENGTH)
    return refused(`has ${total} characters in all; at most ${MAX_TOTAL_LENGTH} are allowed`)
  return { allowed: true, reason: null, headers: Object.fromEntries(checked) }
}

function problemOf(name: string, value: unknown, checked: ReadonlyMap<string, string>): string | null {
  const problem = nameProblem(name)
  if (problem !== null) return problem
  // CVE-2026-1525 was two spellings of one name.
  return checked.has(name.toLowerCase()) ? 'is set twice, in different case' : valueProblem(value)
}

/** Names and values, each read once; their number where there are too many, null for what has none or throws when it is read. */
function entriesOf(headers: unknown): readonly (readonly [unknown, unknown])[] | number | null {
  try {
    const pairs = pairsOf(headers)
    if (pairs === null || pairs.length > MAX_HEADERS) return pairs?.length ?? null
    // Not `every` of the list itself, which passes over holes.
    const entries = Array.from(pairs, (pair): [unknown, unknown] | null =>
      Array.isArray(pair) && pair.length === 2 ? [pair[0], pair[1]] : null,
    )
    return entries.every((entry) => entry !== null) ? entries : null
  } catch {
    return null
  }
}

function pairsOf(headers: unknown): readonly unknown[] | null {
  if (typeof headers !== 'object' || headers === null) return null
  if (headers instanceof Headers) return [...headers]
  // A Map or a promise has no entries of its own: its headers would be left out without a word.
  if (Object.prototype.toString.call(headers) === '[object Object]') return Object.entries(headers)
  return Array.isArray(headers) ? headers : null
}

const refused = (reason: string): HeadersVerdict => ({ allowed: false, reason, headers: {} })
