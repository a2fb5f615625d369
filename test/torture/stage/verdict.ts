/** What holds on every stage, whatever was done on it, and a few sums over its ledger. */
import { anyTenant } from '../../../src/model.ts'
import type { Stage } from './stage.ts'
import type { Arrival } from './words.ts'

const PAGE = 1_000

/** An event that was acknowledged, and the endpoint that it is owed to. */
export interface Owed {
  readonly id: string
  readonly endpoint: number
}

const keyOf = ({ id, endpoint }: Owed): string => `${id} ${endpoint}`

/** Was the request answered with success? */
export const succeeded = ({ answered, status }: Arrival): boolean =>
  answered !== null && status >= 200 && status < 300

/** Lost and unexpected ones, duplicates, and requests that were not as they were published. */
export function countsOf(arrivals: readonly Arrival[], owed: readonly Owed[]) {
  const successes = new Map<string, number>()
  const bodies = new Map<string, string>()
  let invalid = 0
  for (const one of arrivals) {
    const { id, valid, body } = one
    if (succeeded(one)) successes.set(keyOf(one), (successes.get(keyOf(one)) ?? 0) + 1)
    if (valid === false) invalid += 1
    if (body === '') continue
    if ((bodies.get(id) ?? body) !== body) invalid += 1
    bodies.set(id, body)
  }
  const known = new Set(owed.map(keyOf))
  return {
    lost: owed.filter((one) => !successes.has(keyOf(one))).length,
    unexpected: arrivals.filter((one) => !known.has(keyOf(one))).length,
    duplicated: [...successes.values()].reduce((sum, times) => sum + times - 1, 0),
    invalid,
  }
}

/** Successes that were repeated, each with the one before it. */
export function repeatsOf(arrivals: readonly Arrival[]): { readonly one: Arrival; readonly next: Arrival }[] {
  const known = new Map<string, Arrival>()
  return arrivals.filter(succeeded).flatMap((next) => {
    const one = known.get(keyOf(next))
    known.set(keyOf(next), next)
    return one === undefined ? [] : [{ one, next }]
  })
}

/** Those of the counts that are not 0, as problems. */
export const nonzero = (counts: Readonly<Record<string, number>>): string[] =>
  Object.entries(counts)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `${name} ${count}`)

/** How the store numbers attempts: 1 to n for each delivery, and n is what the delivery says. */
export async function misnumbered({ opened: { store } }: Stage): Promise<number> {
  const numbers = new Map<string, number[]>()
  for await (const { deliveryId, number } of rowsOf((page) =>
    store.listAttempts({ tenant: anyTenant }, page),
  )) {
    const known = numbers.get(deliveryId)
    if (known === undefined) numbers.set(deliveryId, [number])
    else known.push(number)
  }
  return [...numbers.values()].filter((list) =>
    list.sort((a, b) => a - b).some((number, index) => number !== index + 1),
  ).length
}

/** All rows of a list, page by page. */
export async function* rowsOf<Row extends { readonly id: string }>(
  list: (page: {
    readonly limit: number
    readonly after?: { readonly at: number; readonly id: string }
  }) => Promise<{ readonly rows: readonly Row[] }>,
): AsyncGenerator<Row> {
  for (let after: { at: number; id: string } | undefined; ; ) {
    const { rows } = await list({ limit: PAGE, ...(after === undefined ? {} : { after }) })
    yield* rows
    const last = rows.at(-1) as
      | (Row & { readonly startedAt?: number; readonly createdAt?: number })
      | undefined
    if (last === undefined || rows.length < PAGE) return
    after = { at: last.startedAt ?? last.createdAt ?? 0, id: last.id }
  }
}

/** The value that this share of the values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}
