/**
 * The store's way to its database: templates in, rows out. Statements of our own run on the store's connections and are tried
 * again when two of them met; statements in a caller's transaction run there, once, and their errors pass through untouched.
 */
import type { Clock } from '../../clock.ts'
import type { Dialect } from './dialect.ts'
import type { Database, Executor, Parameter, StatementResult } from './executor.ts'
import { withRetries } from './retry.ts'
import { type Compiled, compile, type Values } from './template.ts'

/** A statement: the same text everywhere, or a text that the dialect words. Constants, since each is translated once. */
export type Template = string | ((dialect: Dialect) => string)
/** A row as the driver gave it. */
export type Row = Readonly<Record<string, unknown>>

/** Runs statements one after the other: in a transaction, or each on its own. */
export interface Statements {
  readonly dialect: Dialect
  /** Rows that a statement returns. */
  rows(template: Template, values?: Values): Promise<readonly Row[]>
  /** How many rows a statement changed. */
  run(template: Template, values?: Values): Promise<number>
  /** A compiled query of the query builder. */
  query(sql: string, parameters: readonly unknown[]): Promise<readonly Row[]>
  /** The store's clock in µs, by itself. */
  now(): Promise<number>
}

/** Statements that have run when a call returns; they throw the driver's errors. */
export interface StatementsAtOnce {
  rows(template: Template, values?: Values): readonly Row[]
  run(template: Template, values?: Values): number
}

/** Statements in a caller's transaction. @see Joined for `known` and `check` */
export interface JoinedStatements extends Statements {
  readonly known: boolean
  readonly check: (() => Promise<void>) | undefined
  /** The same, only with synchronous drivers. */
  readonly atOnce: StatementsAtOnce | undefined
}

/** The whole way to the database. */
export interface Session extends Statements {
  /** The full name of a table. */
  table(name: string): string
  /** `rows` of our own that is not tried again: what it is refused for is handled otherwise. */
  rowsOnce(template: Template, values?: Values): Promise<readonly Row[]>
  /** One transaction of our own; again when it had to give way to another. */
  transaction<T>(work: (statements: Statements) => Promise<T>): Promise<T>
  /** Statements in the caller's transaction. */
  joined(tx: unknown): JoinedStatements
  /** Has a statement in this transaction run when a call returns? */
  runsAtOnce(tx: unknown): boolean
}

export function createSession(
  database: Database<unknown>,
  dialect: Dialect,
  namespace: string,
  clock: Clock | undefined,
): Session {
  const compiled = new Map<Template, Compiled>()
  const table = (name: string) => dialect.table(namespace, name)

  function statementOf(template: Template): Compiled {
    const known = compiled.get(template)
    if (known !== undefined) return known
    const text = typeof template === 'string' ? template : template(dialect)
    const fresh = compile(text, dialect, table, clock !== undefined)
    compiled.set(template, fresh)
    return fresh
  }

  const micros = (): Values => (clock === undefined ? {} : { now: Math.round(clock.now() * 1000) })

  function on(run: (sql: string, parameters: readonly Parameter[]) => Promise<StatementResult>): Statements {
    const execute = (template: Template, values: Values = {}) => {
      const { sql, bind } = statementOf(template)
      return run(sql, bind({ ...micros(), ...values }))
    }
    return {
      dialect,
      rows: (template, values) => execute(template, values).then(({ rows }) => rows),
      run: (template, values) => execute(template, values).then(({ rowCount }) => rowCount),
      query: (sql, parameters) => run(sql, parameters as readonly Parameter[]).then(({ rows }) => rows),
      now: async () => {
        if (clock !== undefined) return Math.round(clock.now() * 1000)
        const [row] = await execute('select {now} as instant').then(({ rows }) => rows)
        return Number(row?.instant)
      },
    }
  }

  function onAtOnce(runNow: NonNullable<Executor['querySync']>): StatementsAtOnce {
    const execute = (template: Template, values: Values = {}) => {
      const { sql, bind } = statementOf(template)
      return runNow(sql, bind({ ...micros(), ...values }))
    }
    return {
      rows: (template, values) => execute(template, values).rows,
      run: (template, values) => execute(template, values).rowCount,
    }
  }

  const again = <T>(work: () => Promise<T>): Promise<T> => withRetries(work, dialect.oneWriter)
  const within = (executor: Executor) => on((sql, parameters) => executor.query(sql, parameters))
  return {
    ...on((sql, parameters) => again(() => database.query(sql, parameters))),
    table,
    rowsOnce: within(database).rows,
    transaction: (work) => again(() => database.transaction((tx) => work(within(tx)))),
    joined(tx) {
      const executor = database.join(tx)
      const { known = true, check } = executor
      const atOnce = executor.querySync === undefined ? undefined : onAtOnce(executor.querySync)
      return { ...within(executor), known, check, atOnce }
    },
    runsAtOnce(tx) {
      try {
        return database.join(tx).querySync !== undefined
      } catch {
        return false
      }
    },
  }
}
