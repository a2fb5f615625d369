/**
 * `webhooks.resealSecrets()`: brings every stored secret and header value under the current key. Safe to repeat, to
 * interrupt and to run beside everything else.
 */
import { isPosthornError } from '../errors.ts'
import { anyTenant } from '../model.ts'
import type { Parts } from '../parts.ts'
import type { Page } from '../queries.ts'
import type { SubscriptionPatch, SubscriptionRecord } from '../records.ts'
import { headerContext, type SealContext, secretContext } from '../sealing.ts'

/** What `resealSecrets` came to. */
export interface Resealed {
  /** Subscriptions that were looked at: all there are. */
  readonly looked: number
  /** Subscriptions of which something was sealed anew. */
  readonly resealed: number
  /** Subscriptions with something that no key opens. They stay as they are; `problem` hooks are told of each. */
  readonly unreadable: number
}

const PAGE = 200
const TRIES = 10

const page = (after: Page['after']): Page => ({
  limit: PAGE,
  order: 'oldest',
  ...(after === undefined ? {} : { after }),
})

/** Builds it. */
export function createReseal(parts: Parts): () => Promise<Resealed> {
  const { store, sealer, report } = parts

  async function again(text: string, context: SealContext): Promise<string> {
    const plain = await sealer.open(text, context)
    return sealer.isCurrent?.(text) ? text : sealer.seal(plain, context)
  }

  /** Null when all of it is under the current key already. */
  async function patchOf(row: SubscriptionRecord): Promise<SubscriptionPatch | null> {
    const secrets = await Promise.all(
      row.secrets.map(async (secret) => ({
        ...secret,
        value: await again(secret.value, secretContext(row)),
      })),
    )
    const headers = await Promise.all(
      Object.entries(row.headers).map(
        async ([name, value]) => [name, await again(value, headerContext(row))] as const,
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

  return async () => {
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
}
