/** Brings the signing secrets and header values of all subscriptions under the current key. */
import { isPosthornError } from '../errors.ts'
import type { Page } from '../lists.ts'
import { anyTenant } from '../model.ts'
import type { Parts } from '../parts.ts'
import type { SubscriptionPatch, SubscriptionRecord } from '../records.ts'
import { headerContext, secretContext } from '../sealing.ts'
import { type ResealCount, sealedAnew } from './resealed.ts'

const PAGE = 200
const TRIES = 10

const page = (after: Page['after']): Page => ({
  limit: PAGE,
  order: 'oldest',
  ...(after === undefined ? {} : { after }),
})

/** Goes over all subscriptions, page by page. */
export async function resealSubscriptions({ store, sealer, report }: Parts): Promise<ResealCount> {
  /** Null when all of it is under the current key already. */
  async function patchOf(row: SubscriptionRecord): Promise<SubscriptionPatch | null> {
    const secrets = await Promise.all(
      row.secrets.map(async (secret) => ({
        ...secret,
        value: await sealedAnew(sealer, secret.value, secretContext(row)),
      })),
    )
    const headers = await Promise.all(
      Object.entries(row.headers).map(
        async ([name, value]) => [name, await sealedAnew(sealer, value, headerContext(row))] as const,
      ),
    )
    const changed =
      secrets.some(({ value }, index) => value !== row.secrets[index]?.value) ||
      headers.some(([name, value]) => value !== row.headers[name])
    return changed ? { secrets, headers: Object.fromEntries(headers) } : null
  }

  /** True when it was sealed anew. Begins again when somebody else changed it meanwhile. */
  async function reseal({ tenantId, id }: SubscriptionRecord): Promise<boolean> {
    for (let tries = 0; tries < TRIES; tries++) {
      const row = await store.getSubscription(tenantId, id)
      const patch = row && (await patchOf(row))
      if (!row || !patch) return false
      const after = await store.updateSubscription(tenantId, id, patch, { revision: row.revision })
      if (after !== 'conflict') return after !== null
    }
    return false
  }

  const counts = { looked: 0, resealed: 0, unreadable: 0 }
  let after: Page['after']
  for (;;) {
    const { rows } = await store.listSubscriptions({ tenant: anyTenant }, page(after))
    for (const row of rows) {
      counts.looked++
      try {
        if (await reseal(row)) counts.resealed++
      } catch (cause) {
        if (!isPosthornError(cause, 'SECRET_UNREADABLE')) throw cause
        counts.unreadable++
        report.problem('reseal', cause)
      }
    }
    const last = rows.at(-1)
    if (rows.length < PAGE || last === undefined) return counts
    after = { at: last.createdAt, id: last.id }
  }
}
