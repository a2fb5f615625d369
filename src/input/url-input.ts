/** Checks the URL of a destination at the door: its text and a literal address. A name is resolved at connect only. */
import { PosthornError } from '../errors.ts'
import type { AddressGuard } from '../guard/address-guard.ts'

/**
 * The URL to store: the given text without its fragment, which is never sent.
 *
 * @throws PosthornError INVALID_URL for whatever the address guard refuses without a look-up; the message names the
 * option that would allow it
 */
export function urlOf(
  value: unknown,
  { guard }: { readonly guard: Pick<AddressGuard, 'judgeUrl'> },
  path = 'url',
): string {
  const verdict = guard.judgeUrl(value)
  if (!verdict.allowed) throw new PosthornError('INVALID_URL', `${path} ${verdict.reason}`, { path })
  const text = String(value)
  return text.split('#', 1)[0] ?? text
}
