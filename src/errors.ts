/**
 * The errors of Posthorn. One base class, one stable `code` each; the message names the thing, the likely
 * cause and the fix. A receiver's failure is never an error: it is an Attempt.
 */

/** Every code that an error of Posthorn can carry. Codes are part of the public contract and never change. */
export type ErrorCode =
  | 'INVALID_OPTION'
  | 'CONTRADICTORY_OPTIONS'
  | 'INVALID_INPUT'
  | 'INVALID_URL'
  | 'INVALID_HEADERS'
  | 'INVALID_SECRET'
  | 'INVALID_CURSOR'
  | 'UNKNOWN_EVENT_TYPE'
  | 'INVALID_PATTERN'
  | 'INVALID_FILTER'
  | 'INVALID_PAYLOAD'
  | 'PAYLOAD_NOT_SERIALISABLE'
  | 'PAYLOAD_TOO_LARGE'
  | 'TENANT_REQUIRED'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'EVENT_PRUNED'
  | 'DESTINATION_REQUIRED'
  | 'SIGNING_FAILED'
  | 'TRANSFORM_FAILED'
  | 'TRANSPORT_FAILED'
  | 'SECRET_UNREADABLE'
  | 'SEALER_FAILED'
  | 'STORE_REQUIRED'
  | 'STORE_FAILED'
  | 'STORE_FULL'

/** Details that some codes carry; each is safe to log and to show. */
export interface ErrorDetails {
  /** The path of the offending field or option, for example `events[2]` or `retry.schedule`. */
  readonly path?: string
  /** One entry per problem, when there are several (schema validation). */
  readonly issues?: readonly { readonly path: string; readonly message: string }[]
  /** True when the store may have done it all the same: the connection ended before the answer came. */
  readonly outcomeUnknown?: boolean
}

/**
 * The one error class of the library.
 *
 * Compare by `code`, not with `instanceof`: two copies of the package in one process have two classes.
 *
 * @example
 * try { await webhooks.publish('order.payed', data, { tenantId }) }
 * catch (error) { if (isPosthornError(error) && error.code === 'UNKNOWN_EVENT_TYPE') … }
 */
export class PosthornError extends Error {
  override readonly name = 'PosthornError'
  readonly code: ErrorCode
  readonly path: string | undefined
  readonly issues: ErrorDetails['issues']
  /** True when the event may have been stored: publish again with the same `id` or `idempotencyKey` to be sure. */
  readonly outcomeUnknown: boolean

  constructor(code: ErrorCode, message: string, options: ErrorDetails & { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.path = options.path
    this.issues = options.issues
    this.outcomeUnknown = options.outcomeUnknown === true
  }
}

/** True for a PosthornError of any copy of the package; with `code`, only for that code. */
export function isPosthornError(error: unknown, code?: ErrorCode): error is PosthornError {
  return (
    error instanceof Error &&
    error.name === 'PosthornError' &&
    'code' in error &&
    (code === undefined || error.code === code)
  )
}
