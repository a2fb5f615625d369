/** Bulk jobs as rows of the queue, whose event is empty: added, read, and ended from outside. */
import { anyTenant, type JsonObject, type TenantScope } from '../../model.ts'
import { tenantBucket } from '../../patterns.ts'
import type { JobEnd } from '../../queries.ts'
import type { StoredJob } from '../../records.ts'
import type { Dialect } from './dialect.ts'
import { jobOf, number, rowName, rowPlace, toMicros } from './rows.ts'
import type { Session, Statements } from './session.ts'

const ADD_JOB = `
  insert into {queue} (tenant_id, event_id, stage, kind, bucket, subscription_id, job, cause, due_at, position_at, sequence,
    released, in_order, token, lease_until, resumed, claims, lost_alone, claims_before, lost_alone_before)
  values (:tenant, '', 0, 2, :bucket, '', :job, 'event', {now}, {now}, 0, 0, 1, null, 0, 0, 0, 0, 0, 0)`
const ADD_JOB_RETURNING = `${ADD_JOB} returning id`

/** `Store.addJob`. */
export function addJob(session: Session, tenant: string, job: JsonObject): Promise<string> {
  return session.transaction(async (statements) => {
    const values = { tenant, bucket: tenantBucket(tenant), job: JSON.stringify(job) }
    if (statements.dialect.returning) {
      const [row] = await statements.rows(ADD_JOB_RETURNING, values)
      return rowName(tenant, '', number(row?.id))
    }
    await statements.run(ADD_JOB, values)
    const [row] = await statements.query('select last_insert_id() as id', [])
    return rowName(tenant, '', number(row?.id))
  })
}

const PLACE = 'where q.tenant_id = :tenant and q.event_id = :event and q.id = :id and q.kind = 2'
/** Reads one job. */
export const READ_JOB = `select q.tenant_id, q.id, q.job, q.position_at from {queue} q ${PLACE}`

/** `Store.getJob`. */
export async function getJob(
  statements: Statements,
  scope: TenantScope,
  row: string,
): Promise<StoredJob | null> {
  const place = placeIn(scope, row)
  const [found] = place === null ? [] : await statements.rows(READ_JOB, place)
  return found === undefined ? null : jobOf(found)
}

const LOCK_JOB = (dialect: Dialect) => `${READ_JOB} ${dialect.forUpdate}`
const END_JOB = `
  update {queue} set job = :job, stage = 0, token = null, lease_until = 0, due_at = {now} + {long delay},
    claims = 0, lost_alone = 0, claims_before = 0, lost_alone_before = 0
  where tenant_id = :tenant and event_id = :event and id = :id and kind = 2`

/** `Store.endJob`. */
export async function endJob(
  session: Session,
  scope: TenantScope,
  row: string,
  { states, fields, delayMs }: JobEnd,
): Promise<StoredJob | null | 'conflict'> {
  const place = placeIn(scope, row)
  if (place === null) return null
  return session.transaction(async (statements) => {
    const [found] = await statements.rows(LOCK_JOB, place)
    if (found === undefined) return null
    const stored = jobOf(found)
    const { state } = stored.job
    if (typeof state !== 'string' || !states.includes(state)) return 'conflict'
    const job = JSON.stringify({ ...stored.job, ...fields })
    await statements.run(END_JOB, { ...place, job, delay: toMicros(delayMs) })
    return { ...stored, job: JSON.parse(job) as JsonObject }
  })
}

/** Where the row stands; null for what is no job of the scope. */
function placeIn(scope: TenantScope, row: string) {
  const [tenant, event, id] = rowPlace(row)
  if (event !== '' || (scope !== anyTenant && scope !== tenant)) return null
  return { tenant, event, id }
}
