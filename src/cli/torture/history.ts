/**
 * The deliveries and attempts of a run, as the store tells them: looked at again and again while the run is on, since nothing
 * that has ended may ever change, and once more in the end.
 */

import type { Page } from '../../lists.ts'
import { anyTenant } from '../../model.ts'
import type { AttemptRecord, DeliveryRecord } from '../../records.ts'
import type { Store } from '../../store.ts'

const PAGE = 1_000

/** What the store came to. All must be 0. */
export interface History {
  /** Deliveries that have not succeeded. */
  readonly unfinished: number
  /** Deliveries whose attempts are not numbered 1 to n. */
  readonly misnumbered: number
  /** Deliveries that had ended and were found otherwise later, or whose attempts tell that they went on. */
  readonly changed: number
}

/** Remembers how deliveries ended. */
export interface Watch {
  /** Looks at the next page of deliveries; a store that does not answer is asked again by the next look. */
  look(): Promise<void>
  /** Looks at all of them, and judges. */
  close(): Promise<History>
}

export function watchHistory(store: Store<never>): Watch {
  const ended = new Map<string, string>()
  const changed = new Set<string>()
  let after: Page['after']

  function see(rows: readonly DeliveryRecord[]): void {
    for (const row of rows) {
      const known = ended.get(row.id)
      const end = row.endedAt === null ? undefined : endOf(row)
      if (known !== undefined && known !== end) changed.add(row.id)
      if (known === undefined && end !== undefined) ended.set(row.id, end)
    }
  }

  return {
    async look() {
      const rows = await deliveriesAfter(store, after).catch(() => null)
      if (rows === null) return
      see(rows)
      const last = rows.at(-1)
      after = rows.length < PAGE || last === undefined ? undefined : { at: last.createdAt, id: last.id }
    },
    async close() {
      let unfinished = 0
      for (let from: Page['after']; ; ) {
        const rows = await deliveriesAfter(store, from)
        see(rows)
        unfinished += rows.filter(({ state }) => state !== 'succeeded').length
        const last = rows.at(-1)
        if (last === undefined || rows.length < PAGE) break
        from = { at: last.createdAt, id: last.id }
      }
      const attempts = await readAttempts(store)
      for (const [id, list] of attempts) if (wentOn(list)) changed.add(id)
      const misnumbered = [...attempts.values()].filter(hasGaps).length
      return { unfinished, misnumbered, changed: changed.size }
    },
  }
}

const endOf = ({ state, reason, endedAt }: DeliveryRecord): string => `${state} ${reason} ${endedAt}`

async function deliveriesAfter(
  store: Store<never>,
  after: Page['after'],
): Promise<readonly DeliveryRecord[]> {
  const page: Page = { limit: PAGE, order: 'oldest', ...(after === undefined ? {} : { after }) }
  return (await store.listDeliveries({ tenant: anyTenant }, page)).rows
}

/** What is kept of an attempt. */
type Line = Pick<AttemptRecord, 'number' | 'outcome' | 'late'>

async function readAttempts(store: Store<never>): Promise<ReadonlyMap<string, readonly Line[]>> {
  const attempts = new Map<string, Line[]>()
  for (let after: Page['after']; ; ) {
    const page: Page = { limit: PAGE, ...(after === undefined ? {} : { after }) }
    const { rows } = await store.listAttempts({ tenant: anyTenant }, page)
    for (const { deliveryId, number, outcome, late } of rows) {
      attempts.set(deliveryId, [...(attempts.get(deliveryId) ?? []), { number, outcome, late }])
    }
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) break
    after = { at: last.startedAt, id: last.id }
  }
  for (const list of attempts.values()) list.sort((one, other) => one.number - other.number)
  return attempts
}

/** True when an attempt that was no late one follows a success: a delivery that had ended was taken up again. */
export function wentOn(attempts: readonly Line[]): boolean {
  const end = attempts.findIndex(({ outcome }) => outcome === 'succeeded')
  return end >= 0 && attempts.slice(end + 1).some(({ late }) => !late)
}

const hasGaps = (attempts: readonly Line[]): boolean =>
  attempts.some(({ number }, index) => number !== index + 1)
