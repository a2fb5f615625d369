/**
 * Pages of lists: checks what the caller asks for, asks the store for one row more than that, and from this row knows
 * whether the list goes on.
 */

import { PosthornError } from '../errors.ts'
import type { Page, Rows } from '../lists.ts'
import { decodeCursor, encodeCursor, type Position } from './cursor.ts'
import { invalidInput } from './known-keys.ts'

/** What every list takes. */
export interface PageOptions {
  /** 1 to 1000. @default 50 */
  readonly limit?: number | undefined
  /** `nextCursor` of the page before; stable while rows are added. Not together with `offset`. */
  readonly cursor?: string | null | undefined
  /** Rows to leave out, from the newest. Not together with `cursor`. */
  readonly offset?: number | undefined
  /** Count all matching rows, too; costs a query. @default false */
  readonly total?: boolean | undefined
}

/** The keys of `PageOptions`. */
export const PAGE_KEYS: readonly (keyof PageOptions)[] = ['limit', 'cursor', 'offset', 'total']

/** One page, newest first. */
export interface Listed<T> {
  readonly items: readonly T[]
  /** Pass it as `cursor` to go on; null on the last page. */
  readonly nextCursor: string | null
  /** How many match on all pages; null unless `total` was asked for. */
  readonly total: number | null
}

/** What to ask the store, and how its rows become a page. */
export interface PagePlan {
  readonly page: Page
  listed<Row, T>(
    rows: Rows<Row>,
    position: (row: Row) => Position,
    present: (row: Row) => T | Promise<T>,
  ): Promise<Listed<T>>
}

/**
 * Checks the options and plans the page.
 *
 * @throws PosthornError INVALID_INPUT, INVALID_CURSOR, or CONTRADICTORY_OPTIONS for cursor and offset together
 */
export function pageOf({ limit = 50, cursor, offset, total }: PageOptions): PagePlan {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw invalidInput('limit', `must be a whole number from 1 to 1000, not ${shownNumber(limit)}`)
  if (offset !== undefined && (!Number.isSafeInteger(offset) || offset < 0))
    throw invalidInput('offset', `must be a whole number from 0, not ${shownNumber(offset)}`)
  if (total !== undefined && typeof total !== 'boolean') throw invalidInput('total', 'must be true or false')
  const hasCursor = cursor !== undefined && cursor !== null
  if (hasCursor && offset !== undefined)
    throw new PosthornError(
      'CONTRADICTORY_OPTIONS',
      `Both \`cursor\` and \`offset\` (${offset}) are set: leave one out`,
      { path: 'offset' },
    )
  return {
    page: {
      limit: limit + 1,
      ...(hasCursor ? { after: decodeCursor(cursor) } : {}),
      ...(offset === undefined ? {} : { offset }),
      ...(total ? { total } : {}),
    },
    async listed({ rows, total }, position, present) {
      const shown = rows.slice(0, limit)
      const last = shown.at(-1)
      return {
        items: await Promise.all(shown.map(present)),
        nextCursor: last !== undefined && rows.length > limit ? encodeCursor(position(last)) : null,
        total,
      }
    },
  }
}

const shownNumber = (value: unknown): string => (typeof value === 'number' ? String(value) : typeof value)
