/** Deliberately wrong stores: what each shares with its caller, or does to what it was given. */
import type { DeliveryRecord, NewEvent } from '../../src/records.ts'
import type { Flaw } from './wrong-jobs.ts'

/** Anybody may change it. */
type Open<Row> = { -readonly [Field in keyof Row]: Row[Field] }

/** See the file's header. */
export const wrongSharing: Readonly<Record<string, Flaw>> = {
  'the labels of a subscription are those of the caller': (right) => {
    const labels = new Map<string, Readonly<Record<string, string>>>()
    return {
      async insertSubscription(subscription, limits) {
        const row = await right.insertSubscription(subscription, limits)
        if (row !== null && row !== 'limit') labels.set(`${row.tenantId} ${row.id}`, subscription.metadata)
        return row
      },
      async getSubscription(scope, id) {
        const row = await right.getSubscription(scope, id)
        return row === null ? null : { ...row, metadata: labels.get(`${row.tenantId} ${id}`) ?? row.metadata }
      },
    }
  },
  'a delivery that is read is the row of the store': (right) => {
    const rows = new Map<string, { readonly as: string; readonly row: Open<DeliveryRecord> }>()
    return {
      async getDelivery(scope, id) {
        const row = await right.getDelivery(scope, id)
        if (row === null) return null
        const known = rows.get(row.id)
        const as = JSON.stringify(row)
        if (known?.as === as) return known.row
        rows.set(row.id, { as, row: { ...row } })
        return rows.get(row.id)?.row ?? null
      },
    }
  },
  'append stamps the events that it was given': (right) => ({
    async append(events, options) {
      const answer = await right.append(events, options)
      for (const [at, event] of events.entries())
        (event as Open<NewEvent> & { sequence?: number }).sequence = answer.appended[at]?.event.sequence ?? 0
      return answer
    },
  }),
  'hand back takes its entries from the list that it was given': (right) => ({
    async handBack(entries) {
      let back = 0
      for (const left = entries as (typeof entries)[number][]; left.length > 0; )
        back += await right.handBack(left.splice(0, 1))
      return back
    },
  }),
}
