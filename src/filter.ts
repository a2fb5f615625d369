/**
 * Payload filters: which events of the types it chose a subscription wants, by what is in them. A small language of plain
 * JSON, without regular expressions and bounded in size, so that no filter of a tenant can slow a worker down.
 *
 * A path stands for one value: `type`, `metadata.<key>`, `data` or `data.<key>.<key>…`, where a number picks from a list.
 * Several entries, and several operators of one, must all hold. Values are compared without conversion: `"1"` is not `1`.
 */

import { PosthornError } from './errors.ts'
import { checkFilter } from './filter/check.ts'
import { holds } from './filter/holds.ts'
import type { Metadata } from './model.ts'

/** What a filter compares with. */
export type FilterValue = string | number | boolean | null

/** What a path's value must be; at least one operator, and all of them hold. */
export interface Condition {
  /** The same value; null only where the value is null, not where there is none. */
  readonly eq?: FilterValue
  /** Not the same value; holds where there is none. */
  readonly ne?: FilterValue
  /** One of these, 1 to 100. */
  readonly in?: readonly FilterValue[]
  /** None of these; holds where there is no value. */
  readonly nin?: readonly FilterValue[]
  /** Greater: number with number, or text with text by its code units. Never holds otherwise. */
  readonly gt?: number | string
  readonly gte?: number | string
  readonly lt?: number | string
  readonly lte?: number | string
  /** Whether there is a value, be it null. */
  readonly exists?: boolean
  /** Text that begins so. */
  readonly prefix?: string
  /** Text that ends so. */
  readonly suffix?: string
}

/** A filter: conditions on paths, and filters combined. `{}` takes everything. */
export interface Filter {
  /** All of them hold; 1 to 100. */
  readonly and?: readonly Filter[]
  /** One of them holds; 1 to 100. */
  readonly or?: readonly Filter[]
  readonly not?: Filter
  readonly type?: FilterValue | Condition
  readonly data?: FilterValue | Condition
  /** A plain value means `{ eq: value }`. */
  readonly [path: `data.${string}` | `metadata.${string}`]: FilterValue | Condition
}

/** The parts of an event that a filter can look at. */
export interface Filterable {
  readonly type: string
  readonly metadata: Metadata
  /** Called when a condition asks for it; undefined where there is none. */
  data(): unknown
}

/** A filter made ready: call it with an event. */
export type CompiledFilter = (event: Filterable) => boolean

/**
 * Checks a filter that comes from outside and makes it ready. Bounds: 8 levels, 100 conditions, 100 values a list, text up
 * to 1000 characters (16,384 in all), paths up to 256 characters and 16 steps.
 *
 * @throws PosthornError INVALID_FILTER whose `path` names the place, for example `filter.and[1].data.amount.gte`
 */
export function compileFilter(filter: unknown, path = 'filter'): CompiledFilter {
  const checked = checkFilter(filter, path)
  return (event) => holds(checked, event)
}

/**
 * True when the filter takes the event: to try one before it is saved.
 *
 * @throws PosthornError INVALID_FILTER
 * @example matchesFilter({ 'data.total': { gte: 100 } }, { type: 'order.paid', data: { total: 250 } })
 */
export function matchesFilter(
  filter: Filter,
  event: { readonly type: string; readonly data?: unknown; readonly metadata?: Metadata },
): boolean {
  if (typeof event !== 'object' || event === null || typeof event.type !== 'string')
    throw new PosthornError('INVALID_INPUT', 'The event to try must be { type, data?, metadata? }.', {
      path: 'event',
    })
  const { type, metadata = {}, data } = event
  return compileFilter(filter)({ type, metadata, data: () => data })
}
