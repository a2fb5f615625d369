/**
 * Remembers what was made of a text that somebody else gave, within a bound on entries and on their characters: however long
 * and however many the texts are, they never take more than a few megabytes. What is forgotten is made again.
 */

/** A bounded memory of texts. */
export interface Kept<Value> {
  get(text: string): Value | undefined
  set(text: string, value: Value): void
}

const MAX_ENTRIES = 10_000
/** Of all texts together; each takes one or two bytes. */
const MAX_CHARACTERS = 2_000_000

/** @param longest Texts beyond so many characters are not kept. */
export function createKept<Value>(longest: number): Kept<Value> {
  const kept = new Map<string, Value>()
  let characters = 0
  return {
    get: (text) => kept.get(text),
    set(text, value) {
      if (text.length > longest || kept.has(text)) return
      if (kept.size >= MAX_ENTRIES || characters + text.length > MAX_CHARACTERS) {
        kept.clear()
        characters = 0
      }
      kept.set(text, value)
      characters += text.length
    },
  }
}
