/** Takes one value out of the headers of a request, without guessing when it is ambiguous. */

import type { HeaderReader } from './scheme.js'
import { VerificationError } from './verification-error.js'

/**
 * A header's value.
 *
 * @param refused What makes it ambiguous: a comma is what joins several values.
 * @throws VerificationError `header-missing` or `header-ambiguous`
 */
export function headerValue(header: HeaderReader, name: string, refused?: RegExp): string {
  const value = header(name)
  if (!value || refused?.test(value))
    throw new VerificationError(`header-${value ? 'ambiguous' : 'missing'}: ${name}`)
  return value
}
