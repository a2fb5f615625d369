/** Whether a refused statement is tried again is told from what the driver said, also where a word of it is withheld as a value. */
import { expect, it } from 'vitest'
import { withoutValues } from '../../src/stores/sql/discreet.ts'
import { isTransient } from '../../src/stores/sql/retry.ts'

const SQL = 'update deliveries set state = ?'

it.each([
  ['UNIQUE constraint failed: posthorn_deliveries.id', 'failed', true],
  ['database is locked', 'database', true],
  ['database table is locked: posthorn_queue', 'locked', true],
  ['NOT NULL constraint failed: posthorn_deliveries.id', 'failed', false],
  ['no such table: posthorn_queue', 'table', false],
])('%s, with the value "%s": %s', (message, value, transient) => {
  // Some drivers of SQLite give no number of the error.
  const error = Object.assign(new Error(message), { code: 'ERR_SQLITE_ERROR' })
  const told = withoutValues(error, SQL, [value])
  expect((told as Error).message).not.toContain(value)
  expect([isTransient(error), isTransient(told)]).toEqual([transient, transient])
})
