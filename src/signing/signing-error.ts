/**
 * The one error of the sending side: schemes that contradict themselves, secrets that cannot be used, messages
 * that cannot be signed. Its message never holds a secret.
 */

import type { VerificationErrorCode } from './verification-error.js'

/** What went wrong on the sending side. Secret problems carry the same codes as in `VerificationError`. */
export type SigningErrorCode =
  | Extract<VerificationErrorCode, `secret-${string}`>
  /** The secret is too short or too long for the scheme. */
  | 'secret-length'
  /** More than one current and ten old secrets. */
  | 'too-many-secrets'
  /** The options or the stored spec of a scheme are wrong or contradict each other. */
  | 'scheme-invalid'
  /** No scheme of that name: a row of a newer version, or a custom scheme that is not registered here. */
  | 'scheme-unknown'
  /** Two schemes on one subscription write the same header. */
  | 'header-clash'
  /** The id, timestamp or event type cannot be sent in a header. */
  | 'message-invalid'
  /** This runtime lacks what the operation needs (issuing Ed25519 keys needs node:crypto). */
  | 'crypto-unavailable'

/** Thrown by everything in this folder that builds or uses a signer. Compare by `code`. */
export class SigningError extends Error {
  readonly code: SigningErrorCode

  constructor(code: SigningErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SigningError'
    this.code = code
  }
}
