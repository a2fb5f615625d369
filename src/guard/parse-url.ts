/** Parses a URL without throwing. */

/**
 * The URL, or null. Not `URL.canParse`: on Node 20 it begins to say no to letters beyond ASCII once it has been called
 * a few thousand times (its fast path reads Latin-1 as UTF-8).
 */
export function parseUrl(text: string): URL | null {
  try {
    return new URL(text)
  } catch {
    return null
  }
}
