/** Constant-time comparison, in plain code so that it is the same everywhere and cannot throw. */

/**
 * True when both texts are equal. Looks at every character whatever the first difference is; only the length,
 * which is public, ends it early. Any text is safe, also what timingSafeEqual throws at.
 */
export function sameText(a: string, b: string): boolean {
  let difference = a.length ^ b.length
  if (difference) return false
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return !difference
}
