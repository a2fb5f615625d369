/**
 * Errors as `application/problem+json` (RFC 9457), with the codes of the library and a few of HTTP's own. Nothing that is
 * not the caller's business gets in: whatever is unexpected reads as INTERNAL.
 */
import type { z } from 'zod/v4'
import { type ErrorCode, isPosthornError } from '../index.ts'

/** Codes that only exist over HTTP. */
export type HttpErrorCode =
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'CROSS_SITE'
  | 'METHOD_NOT_ALLOWED'
  | 'REQUEST_TIMEOUT'
  | 'PRECONDITION_FAILED'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'HEADERS_TOO_LARGE'
  | 'INTERNAL'
  | 'UNAVAILABLE'

/** One problem of a request, as it is answered. */
export interface Problem {
  readonly status: number
  readonly code: ErrorCode | HttpErrorCode
  readonly detail: string
  /** The offending field. */
  readonly path?: string
  readonly issues?: readonly { readonly path: string; readonly message: string }[]
  /** Headers that belong to it, for example `allow`. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Thrown by a step of the handler to end the request with this answer. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.problem = problem
  }
}

/** The status of every code. 500: the host's own mistake, of which the caller is told nothing. */
const STATUS: Readonly<Record<ErrorCode, number>> = {
  INVALID_OPTION: 400,
  CONTRADICTORY_OPTIONS: 400,
  INVALID_INPUT: 400,
  INVALID_URL: 400,
  INVALID_HEADERS: 400,
  INVALID_SECRET: 400,
  INVALID_CURSOR: 400,
  UNKNOWN_EVENT_TYPE: 400,
  INVALID_PATTERN: 400,
  INVALID_FILTER: 400,
  INVALID_PAYLOAD: 400,
  PAYLOAD_NOT_SERIALISABLE: 400,
  PAYLOAD_TOO_LARGE: 413,
  TENANT_REQUIRED: 400,
  NOT_FOUND: 404,
  CONFLICT: 409,
  EVENT_PRUNED: 410,
  DESTINATION_REQUIRED: 400,
  SECRET_UNREADABLE: 500,
  SEALER_FAILED: 503,
  SIGNING_FAILED: 500,
  TRANSFORM_FAILED: 500,
  TRANSPORT_FAILED: 500,
  STORE_REQUIRED: 500,
  STORE_FAILED: 503,
  STORE_FULL: 503,
}

/** The longest pause of a worker whose store failed. */
const RETRY_AFTER_S = '5'

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

/** The same for a missing id and for one of another tenant, to the byte. */
export const notFound: Problem = {
  status: 404,
  code: 'NOT_FOUND',
  detail: 'There is nothing of this id here.',
}

/** What the request is answered with after this error. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem
  if (!isPosthornError(error)) return internal
  // A newer copy of the package may have codes that this one does not know.
  const status = STATUS[error.code] ?? 500
  if (status === 500) return internal
  if (status === 404) return notFound
  if (status === 503)
    return {
      status,
      code: error.code,
      detail: 'The store cannot be reached, or this process stops. Try again.',
      headers: { 'retry-after': RETRY_AFTER_S },
    }
  return {
    status,
    code: error.code,
    detail: error.message,
    ...(error.path === undefined ? {} : { path: error.path }),
    ...(error.issues === undefined ? {} : { issues: error.issues }),
  }
}

const internal: Problem = {
  status: 500,
  code: 'INTERNAL',
  detail: 'Something went wrong on this side. Nothing more can be told here; the operator is told more.',
}

/** The code for a field that does not fit its schema; INVALID_INPUT for all that are not here. */
const CODE_OF_FIELD: ReadonlyMap<string, ErrorCode> = new Map([
  ['url', 'INVALID_URL'],
  ['events', 'INVALID_PATTERN'],
  ['filter', 'INVALID_FILTER'],
  ['headers', 'INVALID_HEADERS'],
  ['secret', 'INVALID_SECRET'],
  ['cursor', 'INVALID_CURSOR'],
])

/** The problem of input that does not fit its schema: every issue, none with a value. */
export function invalidInput(issues: readonly z.core.$ZodIssue[], what: string): ProblemError {
  const listed = issues.slice(0, 20).flatMap((issue) => {
    const path = issue.path.map(String).join('.')
    if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }]
    return issue.keys.map((key) => ({
      path: [...issue.path.map(String), key.slice(0, 64)].join('.'),
      message: 'Unknown field',
    }))
  })
  const [first] = listed
  const field = first?.path ?? ''
  return new ProblemError({
    status: 400,
    code: CODE_OF_FIELD.get(field.split('.')[0] ?? '') ?? 'INVALID_INPUT',
    detail:
      first === undefined ? `${what} is not valid.` : `${field === '' ? what : field}: ${first.message}`,
    path: field,
    issues: listed,
  })
}

/** The answer. */
export function problemResponse({ headers, status, ...rest }: Problem): Response {
  const type = `urn:posthorn:problem:${rest.code.toLowerCase().replaceAll('_', '-')}`
  const body = { type, title: TITLES[status] ?? 'Error', status, ...rest }
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json' },
  })
}
