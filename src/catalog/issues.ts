/**
 * What a schema found wrong, as paths and messages that are safe to log: values of the payload, which some
 * libraries quote, are taken out.
 */
import type { StandardIssue } from './standard-schema.ts'

/** How the libraries that quote values begin to do so. */
const QUOTES: Readonly<Record<string, RegExp>> = {
  arktype: / ?\(was [\s\S]*$/,
  valibot: / (?:but|and) received [\s\S]*$/,
  // zod 3, of an enum: received 'the value'.
  zod: /, received '[\s\S]*$/,
}
const MAX_ISSUES = 50

/** Names of a payload's fields may be as long as it. */
const MAX_KEY = 100
const MAX_PATH = 500

/** At most 50 issues; paths read `items[2].price`, and are empty for the payload itself. */
export function issuesOf(
  issues: readonly StandardIssue[],
  data: unknown,
  vendor: string,
): { readonly path: string; readonly message: string }[] {
  return issues.slice(0, MAX_ISSUES).map((issue) => {
    const keys = (issue.path ?? []).map((part) => (typeof part === 'object' ? part.key : part))
    return { path: pathOf(keys), message: withoutValue(issue.message, valueAt(data, keys), vendor) }
  })
}

function pathOf(keys: readonly PropertyKey[]): string {
  return keys
    .map((key, index) =>
      typeof key === 'number' ? `[${key}]` : `${index === 0 ? '' : '.'}${String(key).slice(0, MAX_KEY)}`,
    )
    .join('')
    .slice(0, MAX_PATH)
}

function withoutValue(message: string, value: unknown, vendor: string): string {
  const quote = QUOTES[vendor]
  const unquoted = quote === undefined ? message : message.replace(quote, '')
  // A message of the host's own may quote the value, too; short ones are as likely to be plain words.
  const text = typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  return (text.length < 4 ? unquoted : unquoted.replaceAll(text, '…')).slice(0, 500)
}

function valueAt(data: unknown, keys: readonly PropertyKey[]): unknown {
  let value = data
  try {
    for (const key of keys) value = (value as Record<PropertyKey, unknown> | undefined)?.[key]
  } catch {
    return undefined
  }
  return value
}
