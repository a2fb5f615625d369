/**
 * Tries a transaction of our own again when the database asks for it: two transactions met, and this one had to give way. Never
 * used with a caller's transaction, which is the caller's to repeat.
 */
import pRetry from 'p-retry'
import { QUERY_TIMEOUT_MS } from './executors/settings.ts'

/** Postgres: serialisation failure, deadlock. MySQL: deadlock, lock wait timeout. SQLite: busy, locked. */
const GIVE_WAY = new Set(['40001', '40P01', 'ER_LOCK_DEADLOCK', 'ER_LOCK_WAIT_TIMEOUT', '1213', '1205'])
/** A row with this key was inserted by another transaction meanwhile: looking again finds it. */
const EXISTS = new Set(['23505', 'ER_DUP_ENTRY', '1062'])
const RETRIES = 8
const PATIENCE = { retries: RETRIES, minTimeout: 5, maxTimeout: 1_000, factor: 2, randomize: true }
/**
 * Where one transaction writes at a time, the others are turned away, not queued: who rests for long meets the next one again. So
 * it asks often, for as long as a statement may take.
 */
const ONE_WRITER = {
  ...PATIENCE,
  retries: Number.POSITIVE_INFINITY,
  maxTimeout: 25,
  maxRetryTime: QUERY_TIMEOUT_MS,
}

/** True when the same work may go well when it is tried again. */
export function isTransient(error: unknown): boolean {
  return codesOf(error).some((code) => GIVE_WAY.has(code) || EXISTS.has(code) || isBusy(code))
}

/** True when it had to give way to another transaction, and nothing of it was done. */
export function gaveWay(error: unknown): boolean {
  return codesOf(error).some((code) => GIVE_WAY.has(code) || isLocked(code))
}

/** True when a row with such a key is there already. */
export function isTaken(error: unknown): boolean {
  return codesOf(error).some((code) => EXISTS.has(code) || isConstraint(code))
}

/** Runs `work`, again with growing, jittered pauses as long as it fails by no fault of its own. */
export function withRetries<T>(work: () => Promise<T>, oneWriter = false): Promise<T> {
  return pRetry(work, {
    ...(oneWriter ? ONE_WRITER : PATIENCE),
    shouldRetry: ({ error, attemptNumber }) =>
      isTransient(error) && (attemptNumber <= RETRIES || codesOf(error).some(isLocked)),
  })
}

/** Somebody else writes: the only error that says nothing about the work itself. */
const isLocked = (code: string): boolean => /^SQLITE_(BUSY|LOCKED)/.test(code)

/** SQLite drivers name them in `code`, `errcode` (the number) or only in the message. */
function isBusy(code: string): boolean {
  return isLocked(code) || isConstraint(code)
}

const isConstraint = (code: string): boolean => /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)/.test(code)

const SQLITE_NUMBERS: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  261: 'SQLITE_BUSY_RECOVERY',
  517: 'SQLITE_BUSY_SNAPSHOT',
  1555: 'SQLITE_CONSTRAINT_PRIMARYKEY',
  2067: 'SQLITE_CONSTRAINT_UNIQUE',
}

const MESSAGES = [
  [/database (table )?is locked/, 'SQLITE_BUSY'],
  [/UNIQUE constraint failed/, 'SQLITE_CONSTRAINT_UNIQUE'],
] as const

/** What SQLite says in words, as its code; null for anything else. */
export function sqliteCodeIn(message: string): string | null {
  return MESSAGES.find(([told]) => told.test(message))?.[1] ?? null
}

function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  const { code, errno, errcode, sqliteCode, cause } = error as Error &
    Record<'code' | 'errno' | 'errcode' | 'sqliteCode', unknown>
  const number = typeof errcode === 'number' ? errcode : typeof errno === 'number' ? errno : 0
  const inWords = sqliteCodeIn(error.message) ?? ''
  return [
    ...[String(code), String(number), SQLITE_NUMBERS[number] ?? '', String(sqliteCode), inWords],
    ...codesOf(cause),
  ]
}
