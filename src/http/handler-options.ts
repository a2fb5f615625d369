/** Options of the management API, checked once, at construction. */
import { type Clock, systemClock } from '../clock.ts'
import { PosthornError } from '../index.ts'
import type { Authorize } from './authorize.ts'
import type { DocumentOptions } from './openapi.ts'

/** Options of `createHandler`. */
export interface HandlerOptions {
  /** Decides who is calling, for each request. Without it there is no handler. */
  readonly authorize: Authorize
  /** The path in front of every route, for example `/webhooks`. @default what the mount says, else none */
  readonly basePath?: string | undefined
  /** Largest request body in bytes. @default 1_048_576 */
  readonly maxBodyBytes?: number | undefined
  /** Title and version of the API in its OpenAPI document. @default 'Webhooks', '1.0.0' */
  readonly title?: string | undefined
  readonly version?: string | undefined
  /** Only for an `envelope` of your own: see `DocumentOptions`. */
  readonly bodySchema?: DocumentOptions['bodySchema']
  /** Is told what was answered with 5xx, and why. Never sent to the caller. */
  readonly onError?: ((error: unknown, request: Request) => void) | undefined
  /** Time, for tests. @default the machine's */
  readonly clock?: Clock | undefined
}

const KEYS = ['authorize', 'basePath', 'maxBodyBytes', 'title', 'version', 'bodySchema', 'onError', 'clock']

/**
 * The options with their defaults.
 *
 * @throws PosthornError INVALID_OPTION
 */
export function checkedOptions(options: HandlerOptions) {
  const refuse = (path: string, message: string) => new PosthornError('INVALID_OPTION', message, { path })
  if (typeof options !== 'object' || options === null || typeof options.authorize !== 'function')
    throw refuse(
      'authorize',
      'createHandler needs `authorize`: a function (request) => { role, tenantId } that says who is calling. Without it everyone could read and change every subscription.',
    )
  refuseUnknown(options, KEYS)
  const { authorize, basePath, maxBodyBytes = 1_048_576, onError, clock = systemClock } = options
  const { title, version, bodySchema } = options
  if (basePath !== undefined && (typeof basePath !== 'string' || normalisedPath(basePath) === undefined))
    throw refuse('basePath', '`basePath` must be a path such as `/webhooks`, without query and fragment.')
  if (!Number.isSafeInteger(maxBodyBytes) || maxBodyBytes < 1)
    throw refuse('maxBodyBytes', '`maxBodyBytes` must be a whole number of bytes from 1.')
  return {
    authorize,
    maxBodyBytes,
    onError,
    clock,
    ownBase: normalisedPath(basePath),
    site: { title, version, bodySchema },
  }
}

/** @throws PosthornError INVALID_OPTION */
function refuseUnknown(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown === undefined) return
  const path = unknown.slice(0, 64)
  const message = `Unknown option \`${path}\`; known are ${known.join(', ')}.`
  throw new PosthornError('INVALID_OPTION', message, { path })
}

/** The options of a document, as they are. @throws PosthornError INVALID_OPTION */
export function documentOptions(options: DocumentOptions = {}): DocumentOptions {
  refuseUnknown(options, ['basePath', 'title', 'version', 'bodySchema'])
  return options
}

/** `/webhooks` for `/webhooks/` and `webhooks`; undefined for what is no path. */
export function normalisedPath(basePath: unknown): string | undefined {
  if (typeof basePath !== 'string' || !/^[^?#\s]*$/.test(basePath)) return undefined
  const trimmed = basePath.replace(/^\/+|\/+$/g, '')
  return trimmed === '' ? '' : `/${trimmed}`
}
