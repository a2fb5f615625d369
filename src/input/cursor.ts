/**
 * The opaque text that continues a list: the position of the last row shown, in base64url with a checksum against
 * damage. It is no secret and grants nothing: the tenant is checked by each call anew.
 */
import { PosthornError } from '../errors.ts'
import { isId } from './id-input.ts'

/** The end of the last year that every database knows, in milliseconds. */
const YEAR_9999 = 253_402_300_799_999

/** Where a list goes on: strictly after the row of this instant (ms) and id. */
export interface Position {
  readonly at: number
  readonly id: string
}

/** The position as text of `A–Z a–z 0–9 - _`. */
export function encodeCursor({ at, id }: Position): string {
  const text = JSON.stringify([at, id])
  const bytes = new TextEncoder().encode(JSON.stringify([at, id, checksum(text)]))
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/**
 * The position of a cursor that `encodeCursor` made.
 *
 * @throws PosthornError INVALID_CURSOR for any other value
 */
export function decodeCursor(cursor: unknown): Position {
  const position = typeof cursor === 'string' && cursor.length <= 1024 ? parse(cursor) : null
  if (!position || encodeCursor(position) !== cursor) throw invalidCursor()
  return position
}

/** The error for what is no cursor of the list at hand. */
export const invalidCursor = (): PosthornError =>
  new PosthornError(
    'INVALID_CURSOR',
    'The cursor is damaged or not one of ours: pass `nextCursor` of the page before unchanged, or none to start over',
    { path: 'cursor' },
  )

function parse(cursor: string): Position | null {
  try {
    const binary = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'))
    const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    const [at, id]: unknown[] = JSON.parse(new TextDecoder().decode(bytes))
    return isInstant(at) && isId(id) ? { at, id } : null
  } catch {
    return null
  }
}

/** The checksum is no seal: whoever makes a cursor of their own must not reach what a database refuses. */
const isInstant = (at: unknown): at is number => typeof at === 'number' && at >= 0 && at <= YEAR_9999

/** FNV-1a over the UTF-16 units. */
function checksum(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193) >>> 0
  return hash
}
