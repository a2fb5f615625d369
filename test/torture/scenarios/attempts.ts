/** What the store's own history says of the attempts of a run. */
import { anyTenant } from '../../../src/model.ts'
import type { AttemptRecord } from '../../../src/records.ts'
import type { Store } from '../../../src/store.ts'

const PAGE = 1_000

/** How many attempts are like that. */
export async function countAttempts(
  store: Store<never>,
  isLikeThat: (attempt: AttemptRecord) => boolean,
): Promise<number> {
  let count = 0
  for (let after: { at: number; id: string } | undefined; ; ) {
    const page = { limit: PAGE, ...(after === undefined ? {} : { after }) }
    const { rows } = await store.listAttempts({ tenant: anyTenant }, page)
    count += rows.filter(isLikeThat).length
    const last = rows.at(-1)
    if (last === undefined || rows.length < PAGE) return count
    after = { at: last.startedAt, id: last.id }
  }
}
