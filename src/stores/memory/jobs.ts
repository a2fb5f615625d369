/** Bulk jobs as rows of the queue: added, read, listed, and ended from outside. */

import type { JobFilter, Page, Rows } from '../../lists.ts'
import { anyTenant, type JsonObject, type TenantScope } from '../../model.ts'
import type { JobEnd } from '../../queries.ts'
import type { StoredJob } from '../../records.ts'
import { pageOf } from './lists.ts'
import { addRow, dueRow, endClaim } from './rows.ts'
import { type QueueRow, type State, tenantOf, tenantsIn } from './state.ts'
import { frozenCopy } from './values.ts'

/** `Store.addJob`. */
export function addJob(state: State, tenantId: string, job: JsonObject): string {
  const tenant = tenantOf(state, tenantId)
  const dueAt = state.clock.now()
  return addRow(state, { tenant, event: null, dueAt, task: { kind: 'job' }, job: frozenCopy(job) }).id
}

/** `Store.getJob`. */
export function getJob(state: State, scope: TenantScope, id: string): StoredJob | null {
  const row = find(state, scope, id)
  return row === null ? null : storedJob(row)
}

/** `Store.listJobs`. */
export function listJobs(state: State, filter: JobFilter, { after, ...page }: Page): Rows<StoredJob> {
  const jobs = tenantsIn(state, filter.tenant)
    .flatMap((tenant) => [...(tenant.lanes.get(null)?.rows ?? [])])
    .filter((row) => row.task.kind === 'job')
    .filter(({ job }) => filter.state === undefined || job.state === filter.state)
    .map((row) => ({ id: sortable(row.position.sequence), row }))
  const { rows, total } = pageOf(jobs, ({ row }) => row.position.dueAt, {
    ...page,
    ...(after === undefined ? {} : { after: { at: after.at, id: sortable(after.id) } }),
  })
  return { rows: rows.map(({ row }) => storedJob(row)), total }
}

/** `Store.endJob`. */
export function endJob(
  state: State,
  scope: TenantScope,
  id: string,
  { states, fields, delayMs }: JobEnd,
): StoredJob | null | 'conflict' {
  const row = find(state, scope, id)
  if (row === null) return null
  const { state: stands } = row.job
  if (typeof stands !== 'string' || !states.includes(stands)) return 'conflict'
  row.job = frozenCopy({ ...row.job, ...fields })
  endClaim(row)
  dueRow(state, row, state.clock.now() + delayMs)
  return storedJob(row)
}

function find(state: State, scope: TenantScope, id: string): QueueRow | null {
  const row = state.rows.get(id)
  if (row?.task.kind !== 'job' || (scope !== anyTenant && row.tenant.id !== scope)) return null
  return row
}

const storedJob = ({ id, tenant, position, job }: QueueRow): StoredJob =>
  Object.freeze({ id, tenantId: tenant.id, number: position.sequence, addedAt: position.dueAt, job })

/** A number as text whose order is the number's. */
const sortable = (number: number | string): string => String(number).padStart(16, '0')
