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
  if (entries.length > MAX_HEADERS)
    return refused(`has ${entries.length} headers; at most ${MAX_HEADERS} are allowed`)
  const checked = new Map<string, string>()
  let total = 0
  for (const [name, value] of entries) {
    const problem = problemOf(name, value, checked)
    if (problem !== null) return refused(`[${JSON.stringify(String(name).slice(0, 128))}] ${problem}`)
    checked.set(String(name).toLowerCase(), String(value))
    total += String(name).length + String(value).length
  }
  if (total > MAX_TOTAL_LENGTH)
    return refused(`has ${total} characters in all; at most ${MAX_TOTAL_LENGTH} are allowed`)
  return { allowed: true, reason: null, headers: Object.fromEntries(checked) }
}

function problemOf(name: unknown, value: unknown, checked: ReadonlyMap<string, string>): string | null {
  if (typeof name !== 'string') return 'is no header name'
  const problem = nameProblem(name)
  if (problem !== null) return problem
  // CVE-2026-1525 was two spellings of one name.
  return checked.has(name.toLowerCase()) ? 'is set twice, in different case' : valueProblem(value)
}

function entriesOf(headers: unknown): [unknown, unknown][] | null {
  if (typeof headers !== 'object' || headers === null) return null
  if (headers instanceof Headers) return [...headers]
  // A Map or a promise has no entries of its own: its headers would be left out without a word.
  if (Object.prototype.toString.call(headers) === '[object Object]') return Object.entries(headers)
  if (!Array.isArray(headers)) return null
  const pairs = headers.every((pair: unknown) => Array.isArray(pair) && pair.length === 2)
  return pairs ? headers : null
}

const refused = (reason: string): HeadersVerdict => ({ allowed: false, reason, headers: {} })
