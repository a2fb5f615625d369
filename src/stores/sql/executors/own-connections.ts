/**
 * The store's own side of any driver that lends connections: one statement on a borrowed connection, or a transaction
 * on one. A connection whose state is unknown (late, or its rollback failed) is thrown away, never given back.
 */
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
  const deadline = createDeadline(lender.driver, settings)
  const borrow = (): Promise<Loan> =>
    deadline(
      'waiting for a connection',
      () => lender.borrow(),
      (late) => late.end(false),
    )

  return {
    driver: lender.driver,
    dialect: lender.dialect,

    async query(sql, parameters) {
      const loan = await borrow()
      const statement = runOn(loan)
      try {
        return await statement.query(sql, parameters)
      } finally {
        loan.end(statement.late())
      }
    },

    async transaction(work) {
      const loan = await borrow()
      const { query, late } = runOn(loan)
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

  /** Statements under the deadline; `late` once one of them has run into it and may still be running. */
  function runOn(loan: Loan): Executor & { late(): boolean } {
    let late = false
    return {
      late: () => late,
      async query(sql, parameters) {
        let ended = false
        try {
          return await deadline('a statement', async () => {
            try {
              return await loan.query(sql, parameters)
            } finally {
              ended = true
            }
          })
        } finally {
          late ||= !ended
        }
      },
    }
  }
}
