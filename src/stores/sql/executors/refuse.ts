/** What is said when something else than a client, or something else than an open transaction, is given. */
import { PosthornError } from '../../../errors.ts'

/** The error for a client that no adapter knows. */
export function notAClient(database: string, known: string, given: unknown): PosthornError {
  return new PosthornError(
    'INVALID_OPTION',
    `client: ${describe(given)} is not a ${database} client that this store knows. Give it ${known}; an ORM's handle ` +
      'goes to the store of its own subpath (posthorn/drizzle, /kysely, /knex, /prisma).',
    { path: 'client' },
  )
}

/** The error for a `tx` that is no open transaction of this store's driver. */
export function notATransaction(driver: string, expected: string, given: unknown): PosthornError {
  return new PosthornError(
    'INVALID_INPUT',
    `tx: ${describe(given)} is not an open transaction of ${driver}. Pass ${expected}.`,
    { path: 'tx' },
  )
}

/** The error for a `tx` of the right kind on which no transaction is open. */
export function notOpen(): PosthornError {
  return new PosthornError(
    'INVALID_INPUT',
    'tx: no transaction is open on it: it has ended, or none was begun, so nothing was stored. Publish between its begin and ' +
      'its commit, and await the publish before the commit; without a transaction leave `tx` out.',
    { path: 'tx' },
  )
}

/** What it is, never what it holds: a client holds passwords. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`
  if (typeof value !== 'object') return `a ${typeof value}`
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name
  return typeof name === 'string' && name !== '' && name !== 'Object' ? `this ${name}` : 'this object'
}
