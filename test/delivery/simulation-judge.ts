/** What a simulated installation must not have done, judged from what arrived and from the attempts in its store. */
import type { AttemptRecord } from '../../src/records.ts'

/** A request as the receiver saw it. */
export interface Arrival {
  readonly id: string
  readonly endpoint: string
  readonly digest: string
  readonly at: number
  /** The instant in its signature. */
  readonly signedAt: number
  readonly answered: boolean
}

/** How far a signature's instant may be from the store's: rounding, and what an answer of the store took. Steps are larger. */
const SIGNED_WITHIN_MS = 10_000

/** What was lost, invented, changed, or signed with the clock of a worker. */
export function lostOrChanged(
  arrivals: readonly Arrival[],
  invoked: ReadonlySet<string>,
  acknowledged: ReadonlySet<string>,
  endpoints: readonly string[],
): string[] {
  const wrong: string[] = []
  const groups = new Map<string, Arrival[]>()
  for (const one of arrivals) {
    const key = `${one.id} at ${one.endpoint}`
    if (!invoked.has(one.id)) wrong.push(`${one.id} arrived and was never published`)
    const offMs = one.signedAt - one.at
    if (!(Math.abs(offMs) <= SIGNED_WITHIN_MS)) wrong.push(`${key} was signed ${offMs} ms off`)
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  for (const id of acknowledged) {
    for (const endpoint of endpoints) {
      const key = `${id} at ${endpoint}`
      if (!groups.get(key)?.some((one) => one.answered)) wrong.push(`${key} was lost`)
    }
  }
  for (const [key, group] of groups) {
    if (new Set(group.map((one) => one.digest)).size > 1) wrong.push(`${key} changed its bytes`)
  }
  return wrong
}

/** Attempts of each delivery must be 1 to n, and none may begin after one was recorded as a success in time. */
export function misnumbered(attempts: readonly AttemptRecord[]): string[] {
  const groups = new Map<string, AttemptRecord[]>()
  for (const one of attempts) groups.set(one.deliveryId, [...(groups.get(one.deliveryId) ?? []), one])
  return [...groups].flatMap(([id, group]) => {
    const numbers = group.map((attempt) => attempt.number).sort((a, b) => a - b)
    const wrong = numbers.some((number, index) => number !== index + 1)
      ? [`${id} has attempts ${numbers}`]
      : []
    const succeeded = group.filter((attempt) => attempt.outcome === 'succeeded')
    const explained = group.some((attempt) => attempt.late || attempt.afterLostClaim)
    return succeeded.length > 1 && !explained ? [...wrong, `${id} succeeded twice`] : wrong
  })
}
