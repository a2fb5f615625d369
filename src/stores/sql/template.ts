/**
 * Statements as text that reads the same for every database. A template names tables as `{queue}`, values as `:name`, the
 * clock as `{now}`, a value that is a number wherever it stands as `{long name}`, and a whole set of rows as `{rows claims: tenant_id text, id bigint}`: however many rows there are, the text
 * stays the same, so that a database can keep its plan. Each of these rows is looked up by itself, in an index, whatever else a planner
 * would like better; `{batch …}` is such a set whose size it may see, for what is compared with another set in memory.
 */
import type { Parameter } from './executor.ts'

/** How a column of a set of rows is bound; `json` is text that may be long and full of quotes. */
export type ColumnType = 'text' | 'json' | 'bigint' | 'double'

/** A column of a set of rows. */
export interface RowColumn {
  readonly name: string
  readonly type: ColumnType
}

/** One value, or a set of rows. */
export type Value = string | number | null | readonly (readonly (string | number | null)[])[]
/** Values of a template by name. */
export type Values = Readonly<Record<string, Value>>

/** What a template needs to know of a database. */
export interface TemplateDialect {
  /** Microseconds since 1970 by the database's own clock, the same for the whole statement. */
  readonly now: string
  /** True for `$1`, which may be used twice; false for `?`. */
  readonly numbered: boolean
  /** `parts` are the placeholders of `bindRows`; `sized` when a planner may see how many rows there are. */
  rows(alias: string, columns: readonly RowColumn[], parts: readonly string[], sized: boolean): string
  /** A set of rows as parameters: one per column, or one for all. */
  bindRows(columns: readonly RowColumn[], rows: readonly (readonly (string | number | null)[])[]): Parameter[]
}

/** A statement for one database. */
export interface Compiled {
  readonly sql: string
  bind(values: Values): Parameter[]
}

interface Slot {
  readonly name: string
  /** Null for a single value. */
  readonly columns: readonly RowColumn[] | null
}

const TOKEN = /\{(rows|batch) (\w+): ([^}]*)\}|\{long (\w+)\}|\{(\w+)\}|(?<![:\w]):([a-z]\w*)/gi

/** Translates a template. `table` gives a table's full name; with `boundNow`, `{now}` is the value `now`. */
export function compile(
  template: string,
  dialect: TemplateDialect,
  table: (name: string) => string,
  boundNow: boolean,
): Compiled {
  const slots: Slot[] = []
  const numbers = new Map<string, string>()
  let count = 0
  const placeholder = () => {
    count += 1
    return dialect.numbered ? `$${count}` : '?'
  }
  const scalar = (name: string): string => {
    const known = numbers.get(name)
    if (known !== undefined && dialect.numbered) return known
    slots.push({ name, columns: null })
    const mark = placeholder()
    numbers.set(name, mark)
    return mark
  }
  const sql = template.replace(
    TOKEN,
    (_, set: string, alias: string, list: string, long: string, word: string, name: string) => {
      if (long !== undefined) return asLong(dialect, scalar(long))
      if (name !== undefined) return scalar(name)
      if (word === 'now') return boundNow ? asLong(dialect, scalar('now')) : dialect.now
      if (word !== undefined) return table(word)
      const columns = columnsOf(list)
      slots.push({ name: alias, columns })
      const parts = dialect.bindRows(columns, []).map(placeholder)
      return dialect.rows(alias, columns, parts, set === 'batch')
    },
  )
  return { sql: sql.replace(/\s+/g, ' ').trim(), bind: (values) => bound(slots, values, dialect) }
}

function asLong(dialect: TemplateDialect, mark: string): string {
  return dialect.numbered ? `${mark}::bigint` : mark
}

function columnsOf(list: string): readonly RowColumn[] {
  return list.split(',').map((column) => {
    const [name = '', type = 'text'] = column.trim().split(/\s+/)
    return { name, type: type as ColumnType }
  })
}

function bound(slots: readonly Slot[], values: Values, dialect: TemplateDialect): Parameter[] {
  return slots.flatMap(({ name, columns }): Parameter[] => {
    const value = values[name]
    if (value === undefined) throw new Error(`The statement has no value for :${name}.`)
    if (columns === null) return [value as string | number | null]
    return dialect.bindRows(columns, value as readonly (readonly (string | number | null)[])[])
  })
}
