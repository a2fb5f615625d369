/** A checked filter: a small tree, ready to be asked. */

/** Compared with a value. */
export type Scalar = string | number | boolean | null

/** The operators of a condition, in the order in which messages list them. */
export const OPERATORS = [
  ...(['eq', 'ne', 'in', 'nin', 'gt', 'gte', 'lt', 'lte', 'exists', 'prefix', 'suffix'] as const),
] as const
/** See `OPERATORS`. */
export type Operator = (typeof OPERATORS)[number]

/** Where the value of a condition stands. */
export type Place =
  | { readonly in: 'type' }
  | { readonly in: 'metadata'; readonly key: string }
  | { readonly in: 'data'; readonly steps: readonly string[] }

/** One operator on one value. */
export interface Test {
  readonly operator: Operator
  readonly place: Place
  readonly operand: Scalar | readonly Scalar[]
}

/** A filter as a tree. */
export type FilterNode =
  | { readonly all: readonly FilterNode[] }
  | { readonly any: readonly FilterNode[] }
  | { readonly not: FilterNode }
  | { readonly test: Test }
