/**
 * The one error that `verify` rejects with. Every code names one mistake; the message says how to fix it and
 * never holds a secret, a body or an expected signature.
 */

/** What went wrong, one code per mistake. Part of the public contract. */
export type VerificationErrorCode =
  /** The body is a parsed object, or there is none: the raw bytes are needed. */
  | 'BODY_NOT_RAW'
  /** The request could not be read at all: already consumed, broken off, or not a request. */
  | 'REQUEST_UNREADABLE'
  /** A header that the scheme needs is absent or empty. */
  | 'HEADER_MISSING'
  /** Several ids, timestamps or signature headers where there can only be one. */
  | 'HEADER_REPEATED'
  /** The id contains a full stop, which would make the signed content ambiguous. */
  | 'ID_INVALID'
  /** The timestamp is not a plain whole number of seconds. */
  | 'TIMESTAMP_INVALID'
  | 'TIMESTAMP_TOO_OLD'
  | 'TIMESTAMP_TOO_NEW'
  /** More candidates than any honest sender sends: refused before any hashing. */
  | 'TOO_MANY_SIGNATURES'
  /** Everything was well-formed, but no signature fits: wrong secret, or the body was changed on its way. */
  | 'NO_MATCH'
  | 'SECRET_MISSING'
  | 'SECRET_WHITESPACE'
  /** A signature (`v1,…`) was pasted in place of the secret. */
  | 'SECRET_IS_SIGNATURE'
  | 'SECRET_NOT_BASE64'
  /** A key of another scheme, a private key in a verifier, or a public key that proves nothing. */
  | 'SECRET_WRONG_KIND'
  /** The scheme has nothing that could be verified (`unsigned()`, or a custom scheme without `verifier`). */
  | 'SCHEME_CANNOT_VERIFY'
  /** `data` or `type` was read, but the verified body is not JSON in UTF-8. */
  | 'NOT_JSON'

/**
 * Thrown by `verify` (as a rejection) and by reading `data` or `type` of its result. The message is the code,
 * then the fix.
 *
 * Compare by `code`, not with `instanceof`: two copies of the package in one process have two classes.
 */
export class VerificationError extends Error {
  override readonly name = 'VerificationError'
  declare readonly code: VerificationErrorCode

  constructor(code: VerificationErrorCode, fix: string, options?: ErrorOptions) {
    super(`${code}: ${fix}`, options)
    this.code = code
  }
}
