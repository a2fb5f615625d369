/** Which queue rows are claimed at a moment, by whomever: read beside the store, as no worker knows it of a dead one. */
import { rowName } from '../../stores/sql/rows.ts'
import type { OpenedStore, StorePlace } from '../open-store.ts'
import { pause } from './fleet.ts'
import type { HeldRow } from './ledger.ts'

const TRIES = 100
const AGAIN_MS = 50

/** A database that does not answer is asked again, for some seconds. */
export async function heldRows({ query }: OpenedStore, place: StorePlace): Promise<readonly HeldRow[]> {
  const { url, schema = 'posthorn', prefix = 'posthorn_' } = place
  const table = /^postgres/.test(url) ? `"${schema}".queue` : `${prefix}queue`
  for (let tries = 1; ; tries++) {
    try {
      const rows = await query(`SELECT id, tenant_id, event_id, token FROM ${table} WHERE token IS NOT NULL`)
      return rows.map(({ id, tenant_id, event_id, token }) => ({
        row: rowName(String(tenant_id), String(event_id), Number(id)),
        token: String(token),
      }))
    } catch (error) {
      if (tries === TRIES) throw error
      await pause(AGAIN_MS)
    }
  }
}
