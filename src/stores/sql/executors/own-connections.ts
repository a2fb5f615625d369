/**
 * The store's own side of any driver that lends connections: one statement on a borrowed connection, or a transaction
 * on one. A connection whose state is unknown (late, or its rollback failed) is thrown away, never given back.
 */
import { systemClock } from '../../../clock.ts'
import type { Database, Executor } from '../executor.ts'
import { createDeadline } from './deadline.ts'
import type { ExecutorSettings } from './settings.ts'

/** A borrowed connection. */
export interface Loan extends Executor {
  /** Ends the loan; `broken`: the connection must not be used again. */
  end(broken: boolean): void
}

/** How a driver lends connections. */
export interface Lender {
  readonly driver: string
  readonly dialect: 'postgres' | 'mysql' | 'sqlite'
  /** @see BEGIN_OWN */
  readonly begin: readonly string[]
  borrow(): PromiseLike<Loan>
  /**
   * Called as soon as a loan was asked for, where the driver does not end attempts to connect by itself. Returns what to call when
   * the loan did not come in time.
   */
  watch?(): () => void
}

/** How a transaction of our own begins: READ COMMITTED; on SQLite with the write lock, which a later upgrade may not get. */
export const BEGIN_OWN = {
  postgres: ['begin isolation level read committed'],
  mysql: ['set transaction isolation level read committed', 'start transaction'],
  sqlite: ['begin immediate'],
} as const

/** The own side of a database: `query` and `transaction`, under deadlines. */
export type OwnSide = Pick<Database, 'driver' | 'dialect' | 'query' | 'transaction'>

/** @throws PosthornError `INVALID_OPTION` */
export function ownSide(lender: Lender, settings: ExecutorSettings): OwnSide {
  const { clock = systemClock } = settings
  const deadline = createDeadline(lender.driver, settings)

  function borrow(): Promise<Loan> {
    let giveUp: (() => void) | undefined
    const start = () => {
      const loan = lender.borrow()
      giveUp = lender.watch?.()
      return loan
    }
    return deadline('waiting for a connection', start, {
      late: (loan) => loan.end(false),
      over: () => giveUp?.(),
    })
  }

  return {
    driver: lender.driver,
    dialect: lender.dialect,

    async query(sql, parameters) {
      const since = clock.monotonic()
      const loan = await borrow()
      const statement = runOn(loan, since)
      try {
        return await statement.query(sql, parameters)
      } finally {
        loan.end(statement.late())
      }
    },

    async transaction(work) {
      const since = clock.monotonic()
      const loan = await borrow()
      const { query, late } = runOn(loan, since)
      let rolledBack = true
      try {
        for (const statement of lender.begin) await query(statement, [])
        const result = await work({ query })
        await query('commit', [])
        return result
      } catch (error) {
        if (!late()) {
          await query('rollback', []).catch(() => {
            rolledBack = false
          })
        }
        throw error
      } finally {
        loan.end(late() || !rolledBack)
      }
    },
  }

  /**
   * Statements under the deadline, whose time runs for the first since the loan was asked for; `late` once one of them has run
   * into it and may still be running.
   */
  function runOn(loan: Loan, askedAt: number): Executor & { late(): boolean } {
    let late = false
    let since: number | null = askedAt
    return {
      late: () => late,
      async query(sql, parameters) {
        let running = false
        const around = since === null ? {} : { since }
        since = null
        try {
          return await deadline(
            'a statement',
            async () => {
              running = true
              try {
                return await loan.query(sql, parameters)
              } finally {
                running = false
              }
            },
            around,
          )
        } finally {
          late ||= running
        }
      },
    }
  }
}
