/** Tells the owner of a subscription how it stands: through the `noticed` hook and, if wanted, as events of their own tenant. */
import type { NoticeReport } from '../hooks.ts'
import type { JsonObject } from '../model.ts'
import type { Parts } from '../parts.ts'
import { presentSubscription } from '../present.ts'
import type { DeliveryRecord, SubscriptionRecord } from '../records.ts'
import { shownUrl } from '../shown-url.ts'
import { serialise } from './body.ts'
import { conditionOf, disablesAt, type Failing, type Tiding } from './condition.ts'
import { adviceFor } from './failure-kinds.ts'
import { reportProblem } from './problem.ts'

export interface Notices {
  /** `failedBefore`: the streak that a recovery has ended. */
  tell(tiding: Tiding, row: SubscriptionRecord, failedBefore: Failing | undefined): Promise<void>
  /** A delivery was given up. */
  tellExhausted(delivery: DeliveryRecord): void
  /** Resolves when all that was begun is told. */
  idle(): Promise<void>
}

export function createNotices(parts: Parts): Notices {
  const { policy, report, store, ids } = parts
  const telling = new Set<Promise<void>>()

  /** Never rejects: a notice is told at most once. */
  async function send(notice: NoticeReport): Promise<void> {
    report.noticed(notice)
    if (policy.noticeType === null) return
    try {
      await store.append([eventOf(notice, policy.noticeType)])
      parts.wake()
    } catch (cause) {
      reportProblem(parts, 'notice', cause)
    }
  }

  function eventOf(notice: NoticeReport, type: string) {
    const id = ids.event()
    const { tenantId, at: occurredAt } = notice
    const data = dataOf(notice)
    const input = { id, type, tenantId, data, occurredAt, metadata: {} }
    return {
      ...{ id, tenantId, type, metadata: {}, orderingKey: null, settings: {} },
      body: serialise(parts.envelope(input), parts.maxBodyBytes).text,
      ...{ test: false, skipped: false, idempotencyKey: null },
      occurredAt: occurredAt.getTime(),
    }
  }

  async function exhausted(delivery: DeliveryRecord): Promise<void> {
    const { tenantId, subscriptionId } = delivery
    const row = subscriptionId === null ? null : await store.getSubscription(tenantId, subscriptionId)
    if (row === null) return
    const { id, eventId, eventType, reason, lastStatus: status, lastFailure: failure } = delivery
    await send({
      ...(await baseOf(row, conditionOf(row).failing, delivery.endedAt ?? parts.clock.now())),
      notice: 'exhausted',
      delivery: { id, eventId, eventType, reason, attemptCount: delivery.attemptCount },
      advice: delivery.attemptCount === 0 ? null : adviceFor({ failure, status }),
    })
  }

  async function baseOf(row: SubscriptionRecord, failing: Failing | undefined, at: number) {
    const { disableAfter } = policy
    return {
      at: new Date(Math.floor(at)),
      tenantId: row.tenantId,
      subscriptionId: row.id,
      subscription: await presentSubscription(row, parts),
      failingSince: failing === undefined ? null : new Date(Math.floor(failing.since)),
      disablesAt:
        failing === undefined || disableAfter === null || row.state === 'disabled'
          ? null
          : new Date(Math.floor(disablesAt(failing, disableAfter.spanMs))),
    }
  }

  return {
    async tell(tiding, row, failedBefore) {
      if (!report.hasNotices && policy.noticeType === null) return
      const failing = tiding.notice === 'recovered' ? failedBefore : conditionOf(row).failing
      const base = await baseOf(row, failing, row.updatedAt)
      if (tiding.notice === 'recovered') await send({ ...base, ...tiding, disablesAt: null })
      else await send({ ...base, ...tiding })
    },
    tellExhausted(delivery) {
      if (!report.hasNotices && policy.noticeType === null) return
      if (delivery.eventType === policy.noticeType) return
      const told = exhausted(delivery)
        .catch((cause) => reportProblem(parts, 'notice', cause))
        .finally(() => telling.delete(told))
      telling.add(told)
    },
    async idle() {
      await Promise.all(telling)
    },
  }
}

/** The notice as the data of an event: no object of the library, only what a receiver needs. */
function dataOf(notice: NoticeReport): JsonObject {
  const { subscription, at, failingSince, disablesAt, ...rest } = notice
  return {
    ...(JSON.parse(JSON.stringify(rest)) as JsonObject),
    at: at.toISOString(),
    url: shownUrl(subscription.url),
    name: subscription.name,
    state: subscription.state,
    disabledReason: subscription.disabledReason,
    failingSince: failingSince?.toISOString() ?? null,
    disablesAt: disablesAt?.toISOString() ?? null,
  }
}
