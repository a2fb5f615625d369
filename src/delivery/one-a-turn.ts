/**
 * Large bodies begin one in a turn of the event loop: to sign a megabyte and to hand it to a socket takes a millisecond or two, and
 * as many at once as may be in flight would hold up everything else in the process for a second.
 */
import { nextTurn } from '../clock.ts'

/** In bytes. Smaller ones cost less than the turn. */
const LARGE = 128 * 1024

/** When a request with this body may begin: a promise for a large one, null for one that may begin now. */
export function createOneATurn(): (body: Uint8Array) => Promise<void> | null {
  let last = Promise.resolve()
  return ({ byteLength }) => {
    if (byteLength < LARGE) return null
    last = last.then(() => new Promise<void>(nextTurn))
    return last
  }
}
