/**
 * Which headers a tenant may have sent along: names that belong to nobody else, and what names and values may look like.
 * A value is a secret: no reason ever repeats one.
 */
import { type HeaderGroup, headerGroups, receiverCredentials } from './header-groups.ts'

/** Most headers of one request. */
export const MAX_HEADERS = 50
/** Longest name, in characters. */
export const MAX_NAME_LENGTH = 128
/** Longest value, in characters, all of them ASCII. */
export const MAX_VALUE_LENGTH = 4096
/** All names and values of one request together, in characters. */
export const MAX_TOTAL_LENGTH = 16_384

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** Names that are keys of every object: a receiver that is careless with objects would trip over them. */
const OBJECT_KEYS = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype'].map(lower))

function lower(name: string): string {
  return name.toLowerCase()
}

/**
 * The name as a receiver may read it: CGI, WSGI and PHP make one variable of `x_forwarded_for` and `x-forwarded-for`, and some
 * servers of any other sign, too.
 */
export function readAs(name: string): string {
  return lower(name).replace(/[^a-z0-9]/g, '-')
}

/** Why this name cannot be set, or null. */
export function nameProblem(name: string, groups: readonly HeaderGroup[] = headerGroups): string | null {
  if (name.length > MAX_NAME_LENGTH || !TOKEN.test(name))
    return `is no header name: 1 to ${MAX_NAME_LENGTH} letters, digits and hyphens`
  if (OBJECT_KEYS.has(lower(name))) return 'is the name of a property that every object has'
  const known = readAs(name)
  if (receiverCredentials.includes(known)) return null
  const group = groups.find(({ names }) => names.some((entry) => fits(known, entry)))
  return group === undefined ? null : `${group.reason}: leave it out`
}

function fits(name: string, entry: string): boolean {
  if (!entry.includes('*')) return name === entry
  const [start = '', end = '', rest] = entry.split('*')
  if (start !== '') return name.startsWith(start)
  return rest === undefined ? name.endsWith(end) : name.includes(end)
}

/** Why this value cannot be sent, or null. Beyond ASCII, clients disagree about the bytes. */
export function valueProblem(value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a string'
  if (value.length > MAX_VALUE_LENGTH)
    return `must have at most ${MAX_VALUE_LENGTH} characters, not ${value.length}`
  if (!/^[\t\x20-\x7e]*$/.test(value))
    return 'must be printable ASCII: no line breaks, control characters or letters beyond'
  return /^[\t ]|[\t ]$/.test(value) ? 'must not begin or end with a space' : null
}
