/** What the console shows of webhooks and deliveries, and how it pages. */
import type { Delivery, Subscription } from '../../src/index.ts'
import { type Ask, PARTNERS } from './admin-console-access.ts'
import { isActive } from './setting.ts'
import { checkAll, numberIn, Unprocessable } from './validation-errors.ts'

/** The console's names for the states of a delivery. */
export const STATES: Readonly<Record<string, Delivery['state']>> = {
  ...{ pending: 'pending', success: 'succeeded', failed: 'failed', cancelled: 'cancelled' },
}

export const shown = (webhook: Subscription) => ({
  id: webhook.id,
  tenant_id: webhook.tenantId,
  partner_id: PARTNERS[webhook.tenantId],
  url: webhook.url,
  events: webhook.events,
  description: webhook.description,
  is_active: isActive(webhook),
  created_at: webhook.createdAt,
  updated_at: webhook.updatedAt,
})

export const shownDelivery = (delivery: Delivery) => ({
  id: delivery.number,
  webhook_id: delivery.subscriptionId,
  event_type: delivery.eventType,
  status: Object.keys(STATES).find((name) => STATES[name] === delivery.state),
  attempts: delivery.attemptCount,
  response_status: delivery.lastStatus,
  next_retry_at: delivery.nextAttemptAt,
  created_at: delivery.createdAt,
  completed_at: delivery.endedAt,
})

/** The part of a list that the query asks for. @throws Unprocessable */
export function pageOf(c: Ask): { readonly page: number; readonly per_page: number } {
  const [page, per_page] = checkAll(
    () => numberIn('query', 'page', c.req.query('page') ?? '1', 1, Number.MAX_SAFE_INTEGER),
    () => numberIn('query', 'per_page', c.req.query('per_page') ?? '20', 1, 100),
  )
  return { page, per_page }
}

/** The state of the deliveries that the query asks for. @throws Unprocessable */
export function stateOf(c: Ask): Delivery['state'] | undefined {
  const status = c.req.query('status')
  if (status === undefined) return undefined
  if (Object.hasOwn(STATES, status)) return STATES[status]
  const names = Object.keys(STATES).join(', ')
  throw new Unprocessable('query', 'status', `Input should be ${names}`, 'literal_error')
}

/** Answers with one page of a list. */
export async function paged<Item>(
  c: Ask,
  { page, per_page }: ReturnType<typeof pageOf>,
  show: (item: Item) => object,
  list: (page: {
    limit: number
    offset: number
    total: true
  }) => Promise<{ items: readonly Item[]; total: number | null }>,
) {
  const offset = Math.min((page - 1) * per_page, Number.MAX_SAFE_INTEGER)
  const { items, total } = await list({ limit: per_page, offset, total: true })
  return c.json({ items: items.map(show), total, page, per_page, pages: Math.ceil((total ?? 0) / per_page) })
}
