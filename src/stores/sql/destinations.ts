/** The sealed one-use destinations of pending deliveries: the walk over them by the queue's index, and their exchange. */
import type { DeliveryPlace, DestinationChange, PendingDestination } from '../../queries.ts'
import type { Dialect } from './dialect.ts'
import { inOrder } from './record-lines.ts'
import { text } from './rows.ts'
import type { Row, Statements } from './session.ts'

/** Pending deliveries that one page looks at. */
const LOOKED = 500

const PLACE = 'q.tenant_id, q.delivery_id, q.subscription_id'
/** The next pending deliveries of a tenant. */
export const PENDING_OF_TENANT = (dialect: Dialect) => `
  select ${PLACE} from {queue} q ${dialect.useIndex('queue_delivery')}
  where q.tenant_id = :tenant and q.delivery_id > :delivery
  order by q.delivery_id ${dialect.limitByIndex(LOOKED)}`
/** The first pending deliveries of the tenants after one. */
export const PENDING_OF_NEXT = (dialect: Dialect) => `
  select ${PLACE} from {queue} q ${dialect.useIndex('queue_delivery')}
  where q.delivery_id is not null and q.tenant_id > :tenant
  order by q.tenant_id, q.delivery_id ${dialect.limitByIndex(LOOKED)}`
/** The destinations of deliveries. */
export const READ_DESTINATIONS = `
  select d.tenant_id, d.id, d.destination from {rows w: tenant_id text, id text}
  join {deliveries} d on d.tenant_id = w.tenant_id and d.id = w.id
  where d.state = 'pending' and d.destination is not null`
/** Puts new destinations in the place of the ones that were read. */
export const REPLACE_DESTINATIONS = (dialect: Dialect) =>
  dialect.update(
    {
      table: '{deliveries}',
      alias: 'd',
      from: '{rows w: tenant_id text, id text, was text, becomes text}',
      on: "d.tenant_id = w.tenant_id and d.id = w.id and d.state = 'pending' and d.destination = w.was",
    },
    { destination: 'w.becomes' },
  )

/**
 * `Store.listDestinations`. A page looks at pending deliveries in the order of an index that is there anyway, and keeps those
 * without a subscription; an index of their own would cost every delivery something, for a walk that is made once a rotation.
 */
export async function listDestinations(
  statements: Statements,
  { after, limit }: { readonly after: DeliveryPlace | null; readonly limit: number },
): Promise<{ readonly destinations: readonly PendingDestination[]; readonly next: DeliveryPlace | null }> {
  const looked = Math.min(limit, LOOKED)
  const rows = (await pendingAfter(statements, after, looked)).slice(0, looked)
  const last = rows.at(-1)
  const next = last === undefined || rows.length < looked ? null : placeOf(last)
  const w = rows
    .filter((row) => text(row.subscription_id) === '')
    .map((row) => [text(row.tenant_id), text(row.delivery_id)])
  if (w.length === 0) return { destinations: [], next }
  const found = (await statements.rows(READ_DESTINATIONS, { w })).map((row) => ({
    tenantId: text(row.tenant_id),
    deliveryId: text(row.id),
    destination: text(row.destination),
  }))
  return { destinations: found, next }
}

async function pendingAfter(
  statements: Statements,
  after: DeliveryPlace | null,
  looked: number,
): Promise<readonly Row[]> {
  const tenant = after?.tenantId ?? ''
  const own =
    after === null ? [] : await statements.rows(PENDING_OF_TENANT, { tenant, delivery: after.deliveryId })
  return own.length >= looked ? own : [...own, ...(await statements.rows(PENDING_OF_NEXT, { tenant }))]
}

const placeOf = (row: Row): DeliveryPlace => ({
  tenantId: text(row.tenant_id),
  deliveryId: text(row.delivery_id),
})

/** `Store.replaceDestinations`. In one statement, in the order in which `record` locks deliveries. */
export function replaceDestinations(
  statements: Statements,
  changes: readonly DestinationChange[],
): Promise<number> {
  if (changes.length === 0) return Promise.resolve(0)
  const w = changes.map(({ tenantId, deliveryId, from, to }) => [tenantId, deliveryId, from, to])
  return statements.run(REPLACE_DESTINATIONS, { w: inOrder(w) })
}
