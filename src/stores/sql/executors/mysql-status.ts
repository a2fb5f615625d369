/**
 * MySQL and MariaDB say with every answer whether a transaction is open, and nothing in SQL does on both. So before the first
 * statement of a publish in a caller's transaction, a statement that does nothing is answered.
 */
import { notOpen } from './refuse.ts'

const IN_TRANSACTION = 1
const AUTOCOMMIT = 2

/** The statement, and what to make of the status flags that came with its answer. */
export const checkOpen = {
  sql: 'do 0',
  /** Without AUTOCOMMIT any statement begins one. What is no number says nothing. @throws PosthornError `INVALID_INPUT` */
  read(status: unknown): void {
    if (typeof status !== 'number') return
    if ((status & IN_TRANSACTION) === 0 && (status & AUTOCOMMIT) !== 0) throw notOpen()
  },
} as const
