/**
 * The one error that `verify` rejects with. Every code names one mistake; the message says how to fix it and
 * never holds a secret, a body or an expected signature. Texts are short because receivers bundle them.
 */

/** What went wrong, one code per mistake. Part of the public contract. */
export type VerificationErrorCode =
  /**
   * The raw bytes are not there: the body is a parsed object, is missing, or was read before. The `cause` says
   * more where there is one.
   */
  | 'body-not-raw'
  /** A header that the scheme needs is absent or empty; the message names it. */
  | 'header-missing'
  /** Several ids, timestamps or signatures where there can only be one, or a full stop in a signed id. */
  | 'header-ambiguous'
  /** The timestamp is not a plain whole number of seconds. */
  | 'timestamp-invalid'
  /** Replayed, delayed, or this machine's clock is ahead. */
  | 'timestamp-too-old'
  /** This machine's clock is behind, or the sender's ahead. */
  | 'timestamp-too-new'
  /** More candidates than any honest sender sends: refused before any hashing. */
  | 'too-many-signatures'
  /** Everything was well-formed, but no signature fits: another secret, or the body was changed on its way. */
  | 'no-match'
  /** Empty or undefined: usually an environment variable that is not set. */
  | 'secret-missing'
  /** White space in the secret: usually a line end from a file. */
  | 'secret-whitespace'
  /** A signature (`v1,…`) was pasted in place of the secret. */
  | 'secret-is-signature'
  | 'secret-not-base64'
  /** A key of another scheme, a private key in a verifier, or a public key that proves nothing. */
  | 'secret-wrong-kind'
  /** The scheme has nothing that could be verified (`unsigned()`, or a custom scheme without `verifier`). */
  | 'scheme-cannot-verify'
  /** `data` or `type` was read, but the verified body is not JSON in UTF-8. */
  | 'not-json'
  /**
   * `verify` itself was called wrongly: a request without `headers` (Hono: `c.req.raw`), `secrets` that is no list or
   * an empty one, a scheme that was not called (`github` for `github()`), a `tolerance` in milliseconds. The `cause`
   * says more.
   */
  | 'call-invalid'

/**
 * Thrown by `verify` (as a rejection) and by reading `data` or `type` of its result. The message is the code,
 * then the fix.
 *
 * Compare by `code`, not with `instanceof`: two copies of the package in one process have two classes.
 */
export class VerificationError extends Error {
  override readonly name = 'VerificationError'
  /** What Express, Fastify and Koa answer with. */
  readonly status: number = 400
  declare readonly code: VerificationErrorCode

  constructor(message: `${VerificationErrorCode}: ${string}`, options?: ErrorOptions) {
    super(message, options)
    ;[this.code] = message.split(':') as [VerificationErrorCode]
  }
}
