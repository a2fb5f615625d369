/** Keys travel as binary strings; Web Crypto and KeyObjects want bytes. */

/** The bytes of a binary string. */
export const keyBytes = (key: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(key, (character) => character.charCodeAt(0))
