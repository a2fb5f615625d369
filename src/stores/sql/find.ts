/** One event or delivery by its id. Every key starts with the tenant: without one, the tenants that have subscriptions are asked first. */
import { anyTenant, type TenantScope } from '../../model.ts'
import type { DeliveryRecord, EventRecord } from '../../records.ts'
import { deliveryOf, eventOf } from './rows.ts'
import type { Row, Statements, Template } from './session.ts'

/** What a join with the queue says about when a delivery is due. */
export const WAITING = 'q.stage as waiting_stage, q.due_at as waiting_at'

const EVENT = 'select e.* from {events} e where e.tenant_id = :tenant and e.id = :id'
const EVENT_KNOWN =
  'select e.* from {tenants} t join {events} e on e.tenant_id = t.tenant_id and e.id = :id limit 1'
const EVENT_ANYWHERE = 'select e.* from {events} e where e.id = :id limit 1'

const JOINED = `left join {queue} q on q.tenant_id = d.tenant_id and q.delivery_id = d.id`
const DELIVERY = `select d.*, ${WAITING} from {deliveries} d ${JOINED} where d.tenant_id = :tenant and d.id = :id`
const DELIVERY_NUMBER = `select d.*, ${WAITING} from {deliveries} d ${JOINED} where d.tenant_id = :tenant and d.number = :id`
const knownBy = (column: string) => `
  select d.*, ${WAITING} from {tenants} t join {deliveries} d on d.tenant_id = t.tenant_id and d.${column} = :id ${JOINED} limit 1`
const anywhereBy = (column: string) => `
  select d.*, ${WAITING} from {deliveries} d ${JOINED} where d.${column} = :id limit 1`
const DELIVERY_KNOWN = knownBy('id')
const DELIVERY_ANYWHERE = anywhereBy('id')
const NUMBER_KNOWN = knownBy('number')
const NUMBER_ANYWHERE = anywhereBy('number')

async function find(
  statements: Statements,
  scope: TenantScope,
  id: string | number,
  [within, known, anywhere]: readonly [Template, Template, Template],
): Promise<Row | null> {
  if (scope !== anyTenant) return (await statements.rows(within, { tenant: scope, id }))[0] ?? null
  return (await statements.rows(known, { id }))[0] ?? (await statements.rows(anywhere, { id }))[0] ?? null
}

/** `Store.getEvent`. */
export async function getEvent(
  statements: Statements,
  scope: TenantScope,
  id: string,
): Promise<EventRecord | null> {
  const row = await find(statements, scope, id, [EVENT, EVENT_KNOWN, EVENT_ANYWHERE])
  return row === null ? null : eventOf(row)
}

/** `Store.getDelivery`. */
export async function findDelivery(
  statements: Statements,
  scope: TenantScope,
  id: string | number,
): Promise<DeliveryRecord | null> {
  const row = await find(
    statements,
    scope,
    id,
    typeof id === 'number'
      ? [DELIVERY_NUMBER, NUMBER_KNOWN, NUMBER_ANYWHERE]
      : [DELIVERY, DELIVERY_KNOWN, DELIVERY_ANYWHERE],
  )
  return row === null ? null : deliveryOf(row)
}
