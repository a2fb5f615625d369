/** Picks the text filters of a list, so that an absent one is left out and a wrong one is refused. */
import { invalidInput } from './known-keys.ts'

/**
 * The named options that are set.
 *
 * @throws PosthornError INVALID_INPUT for anything but text
 */
export function filterText<Key extends string>(
  options: { readonly [key in Key]?: string | undefined },
  keys: readonly Key[],
): { [key in Key]?: string } {
  const filter: { [key in Key]?: string } = {}
  for (const key of keys) {
    const value: unknown = options[key]
    if (value === undefined) continue
    if (typeof value !== 'string') throw invalidInput(key, 'must be a string')
    if (/[\0\p{Surrogate}]/u.test(value)) throw invalidInput(key, 'has a NUL or a lone surrogate')
    filter[key] = value
  }
  return filter
}
