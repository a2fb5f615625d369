/**
 * What is kept of an answer's body: at most 16 KB of clean text that every store accepts. Nothing is
 * decompressed and no charset is guessed: what is not UTF-8 shows as U+FFFD.
 */
import { MAX_EXCERPT_BYTES } from '../transport.ts'

/**
 * Turns the first bytes of a body into text. NUL and invalid UTF-8 become U+FFFD; with `cut`, a character
 * that was cut in half at the end is left out. The text is at most 16 KB long in UTF-8, also where U+FFFD (three
 * bytes) replaced single bytes.
 */
export function excerptOf(bytes: Uint8Array, cut: boolean): string {
  if (bytes.byteLength === 0) return ''
  const kept = bytes.byteLength > MAX_EXCERPT_BYTES ? bytes.subarray(0, MAX_EXCERPT_BYTES) : bytes
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  // In stream mode the decoder holds back an unfinished last character, which is what a cut wants.
  const text = decoder.decode(kept, { stream: cut || kept !== bytes }).replaceAll('\0', '\uFFFD')
  if (kept.byteLength * 3 <= MAX_EXCERPT_BYTES || !text.includes('\uFFFD')) return text
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(MAX_EXCERPT_BYTES))
  return text.slice(0, read)
}
