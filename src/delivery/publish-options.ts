/** The options of `publish`, checked at the door: each with a typed error that names the field and the rule. */
import { PosthornError } from '../errors.ts'
import { OWN_ID } from '../ids.ts'
import { invalidInput, recordOf, textOf } from '../input/known-keys.ts'
import { metadataOf } from '../subscriptions/input.ts'
import type { PublishEntry, PublishOptions } from './publish.ts'

const MAX_DELAY_MS = 90 * 86_400_000
const KNOWN = [
  'tenantId',
  'id',
  'idempotencyKey',
  'occurredAt',
  'deliverAt',
  'tx',
  'to',
  'skip',
  'metadata',
  'orderingKey',
  'retry',
  'delayMs',
  'channels',
]

/** Those of an entry of `publishMany`, which has one transaction for all. */
const KNOWN_OF_ENTRY = ['type', 'data', ...KNOWN.filter((key) => key !== 'tx')]
const MAX_ENTRIES = 10_000

/** The entries and the transaction of `publishMany`. @throws PosthornError `INVALID_INPUT` */
export function checkPublications(
  publications: unknown,
  options: unknown,
): { readonly entries: readonly PublishEntry[]; readonly tx: unknown } {
  if (!Array.isArray(publications) || publications.length > MAX_ENTRIES)
    throw invalidInput('publications', `must be an array of up to ${MAX_ENTRIES} events`)
  const { tx } = recordOf(options, ['tx'], 'the options')
  const entries = Array.from(publications, (publication: unknown, index): PublishEntry => {
    const { type, data, ...rest } = recordOf(publication, KNOWN_OF_ENTRY, `publications[${index}]`)
    return { type: type as string, data, options: rest }
  })
  return { entries, tx }
}

function refuse(path: string, rule: string): never {
  throw new PosthornError('INVALID_INPUT', `The publish option \`${path}\` ${rule}.`, { path })
}

/** @throws PosthornError `INVALID_INPUT` with the path of the first bad option */
export function checkPublishOptions(options: PublishOptions, now: number): void {
  recordOf(options, KNOWN, 'the publish options')
  const { id, idempotencyKey, occurredAt, deliverAt, skip, metadata, orderingKey, delayMs } = options
  if (id !== undefined && !(typeof id === 'string' && OWN_ID.test(id))) {
    refuse('id', 'must be 1 to 64 letters, digits, `_` or `-` (it is the webhook-id)')
  }
  if (idempotencyKey !== undefined) textOf(idempotencyKey, 'idempotencyKey', 1, 255)
  if (occurredAt !== undefined && !isDate(occurredAt)) refuse('occurredAt', 'must be a valid Date')
  if (deliverAt !== undefined) checkDeliverAt(deliverAt, now)
  if (delayMs !== undefined) checkDelay(delayMs, deliverAt)
  if (skip !== undefined && typeof skip !== 'boolean') refuse('skip', 'must be true or false')
  if (orderingKey !== undefined) textOf(orderingKey, 'orderingKey', 1, 255)
  if (metadata !== undefined) metadataOf(metadata)
}

function checkDeliverAt(deliverAt: unknown, now: number): void {
  if (!isDate(deliverAt)) refuse('deliverAt', 'must be a valid Date')
  if (deliverAt.getTime() - now > MAX_DELAY_MS) refuse('deliverAt', 'must not be more than 90 days ahead')
}

function checkDelay(delayMs: unknown, deliverAt: unknown): void {
  if (typeof delayMs !== 'number' || !(delayMs >= 0 && delayMs <= MAX_DELAY_MS))
    refuse('delayMs', 'must be 0 to 7776000000 milliseconds (90 days)')
  if (deliverAt !== undefined)
    throw new PosthornError(
      'CONTRADICTORY_OPTIONS',
      'Both `deliverAt` and `delayMs` are set: leave one out',
      { path: 'delayMs' },
    )
}

function isDate(value: unknown): value is Date {
  return value instanceof Date && !Number.isNaN(value.getTime())
}
