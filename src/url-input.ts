/** Checks the URL of a destination by its text. What it resolves to is the address guard's business, at connect. */
import { PosthornError } from './errors.ts'

/**
 * The URL to store: the given text without its fragment, which is never sent.
 *
 * @throws PosthornError INVALID_URL for anything but an absolute http(s) URL of up to 2048 characters without spaces,
 * control characters, backslashes and credentials; for `http:` unless `allowHttp`
 */
export function urlOf(value: unknown, { allowHttp }: { readonly allowHttp: boolean }, path = 'url'): string {
  const refuse = (message: string) => new PosthornError('INVALID_URL', `${path} ${message}`, { path })
  if (typeof value !== 'string') throw refuse('must be a string')
  if (value.length > 2048) throw refuse(`must have at most 2048 characters, not ${value.length}`)
  // `new URL` repairs all of these silently, and other parsers repair them differently.
  if (/[\p{Cc}\p{Surrogate}\s\\]/u.test(value)) throw refuse('has a space, control character or backslash')
  const authority = /^https?:\/\/([^/?#]+)/i.exec(value)?.[1]
  const url = authority === undefined ? null : parsed(value)
  if (authority === undefined || !url)
    throw refuse('must be absolute, for example https://example.com/webhooks')
  if (authority.includes('@'))
    throw refuse('must not hold a user name or password: send an authorization header with `headers`')
  if (url.protocol === 'http:' && !allowHttp)
    throw refuse('must be https: (for development, createWebhooks takes `allowHttp: true`)')
  return value.split('#', 1)[0] ?? value
}

function parsed(text: string): URL | null {
  try {
    return new URL(text)
  } catch {
    return null
  }
}
