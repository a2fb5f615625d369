/** Subscription rows, their guarded updates, and the tenant version that tells caches of a change. */
import { anyTenant, type TenantScope } from '../../model.ts'
import type { DeletedSubscription } from '../../queries.ts'
import type { NewSubscription, SubscriptionPatch, SubscriptionRecord } from '../../records.ts'
import { fitsGuard, onlyCondition, patched, type SubscriptionGuard } from '../subscription.ts'
import type { Dialect } from './dialect.ts'
import { cancelSubscription } from './ending.ts'
import { number, subscriptionOf, text, toMicros, toMs } from './rows.ts'
import type { Session, Statements } from './session.ts'
import type { Values } from './template.ts'

const READ = 'select * from {subscriptions} where tenant_id = :tenant and id = :id'
const LOCK = (dialect: Dialect) => `${READ} ${dialect.forUpdate}`
const FIND_TENANT = 'select tenant_id from {subscriptions} where id = :id order by tenant_id limit 1'
// Without a version for as long as it has never had a subscription: an insert may be refused.
const NEW_TENANT = (dialect: Dialect) => `
  insert into {tenants} (tenant_id, version, last_created_at)
  values (:tenant, 0, 0) ${dialect.keepExisting('version')}`
const LOCK_TENANT = (dialect: Dialect) =>
  `select last_created_at from {tenants} where tenant_id = :tenant ${dialect.forUpdate}`
/** Apart from the lock: what another transaction has committed while this one waited for it is to be seen. */
const READ_TENANT = `
  select c.now, (select published_at from {events} where tenant_id = :tenant order by published_at desc, id desc limit 1) as last_published_at,
    (select count(*) from {subscriptions} where tenant_id = :tenant) as subscriptions,
    (select count(*) from {subscriptions} where tenant_id = :tenant and id = :id) as known
  from (select {now} as now) c`
/** Tells caches that the tenant's subscriptions changed. The version follows the database's own clock, so that an erased tenant's never returns. */
export const BUMP = (dialect: Dialect) => `
  update {tenants} set version = case when version >= ${dialect.now} then version + 1 else ${dialect.now} end
  where tenant_id = :tenant`
const CREATED = 'update {tenants} set last_created_at = :createdAt where tenant_id = :tenant'
const COLUMNS = [
  ...['tenant_id', 'id', 'url', 'events', 'name', 'description', 'headers', 'metadata', 'state', 'paused_by'],
  ...[
    'disabled_reason',
    'disabled_at',
    'secrets',
    'settings',
    'conditions',
    'created_at',
    'updated_at',
    'revision',
  ],
]
const INSERT = `insert into {subscriptions} (${COLUMNS.join(', ')}) values (${COLUMNS.map((name) => `:${name}`).join(', ')})`
const UPDATE = `update {subscriptions} set ${COLUMNS.slice(2)
  .map((name) => `${name} = :${name}`)
  .join(', ')} where tenant_id = :tenant_id and id = :id`
const DELETE = 'delete from {subscriptions} where tenant_id = :tenant and id = :id'
const VERSION = 'select version from {tenants} where tenant_id = :tenant'
const SNAPSHOT = `
  select * from {subscriptions} where tenant_id = :tenant and id > :after order by id limit :count`
const SNAPSHOT_RANGE = `
  select * from {subscriptions} where tenant_id = :tenant and id > :after and id <= :upTo order by id limit :count`

function valuesOf(row: SubscriptionRecord): Values {
  return {
    tenant_id: row.tenantId,
    id: row.id,
    url: row.url,
    events: JSON.stringify(row.events),
    name: row.name,
    description: row.description,
    headers: JSON.stringify(row.headers),
    metadata: JSON.stringify(row.metadata),
    state: row.state,
    paused_by: row.pausedBy,
    disabled_reason: row.disabledReason,
    disabled_at: row.disabledAt === null ? null : toMicros(row.disabledAt),
    secrets: JSON.stringify(row.secrets),
    settings: JSON.stringify(row.settings),
    conditions: JSON.stringify(row.condition),
    created_at: toMicros(row.createdAt),
    updated_at: toMicros(row.updatedAt),
    revision: row.revision,
  }
}

/** `Store.insertSubscription`. */
export function insertSubscription(
  session: Session,
  input: NewSubscription,
  limits: { perTenant?: number } = {},
): Promise<SubscriptionRecord | null | 'limit'> {
  const { tenantId: tenant, id } = input
  return session.transaction(async (statements) => {
    await statements.run(NEW_TENANT, { tenant })
    const [locked] = await statements.rows(LOCK_TENANT, { tenant })
    const [state] = await statements.rows(READ_TENANT, { tenant, id })
    if (number(state?.known ?? 0) > 0) return null
    if (limits.perTenant !== undefined && number(state?.subscriptions) >= limits.perTenant) return 'limit'
    const createdAt = Math.max(
      number(state?.now),
      number(locked?.last_created_at ?? 0) + 1,
      number(state?.last_published_at ?? 0) + 1,
    )
    const at = toMs(createdAt)
    const row: SubscriptionRecord = {
      ...input,
      disabledAt: input.disabledAt === null ? null : toMs(toMicros(input.disabledAt)),
      secrets: input.secrets.map(({ value }) => ({ value, createdAt: at, expiresAt: null })),
      createdAt: at,
      updatedAt: at,
      revision: 1,
    }
    await statements.run(INSERT, valuesOf(row))
    await statements.run(CREATED, { tenant, createdAt })
    await statements.run(BUMP, { tenant })
    return structuredClone(row)
  })
}

/** The tenant of a scope that has this subscription. */
async function tenantOf(statements: Statements, scope: TenantScope, id: string): Promise<string | null> {
  if (scope !== anyTenant) return scope
  const [row] = await statements.rows(FIND_TENANT, { id })
  return row === undefined ? null : text(row.tenant_id)
}

/** `Store.getSubscription`. */
export async function getSubscription(
  statements: Statements,
  scope: TenantScope,
  id: string,
): Promise<SubscriptionRecord | null> {
  const tenant = await tenantOf(statements, scope, id)
  if (tenant === null) return null
  const [row] = await statements.rows(READ, { tenant, id })
  return row === undefined ? null : subscriptionOf(row)
}

/** `Store.updateSubscription`. */
export function updateSubscription(
  session: Session,
  scope: TenantScope,
  id: string,
  patch: SubscriptionPatch,
  guard: SubscriptionGuard = {},
): Promise<SubscriptionRecord | null | 'conflict'> {
  return session.transaction(async (statements) => {
    const tenant = await tenantOf(statements, scope, id)
    const [found] = tenant === null ? [] : await statements.rows(LOCK, { tenant, id })
    if (tenant === null || found === undefined) return null
    const before = subscriptionOf(found)
    if (!fitsGuard(before, guard)) return 'conflict'
    const changed = patched(before, patch, toMs(await statements.now()))
    await statements.run(UPDATE, valuesOf(changed))
    if (!onlyCondition(patch)) await statements.run(BUMP, { tenant })
    return structuredClone(changed)
  })
}

/** `Store.deleteSubscription`. */
export function deleteSubscription(
  session: Session,
  scope: TenantScope,
  id: string,
): Promise<DeletedSubscription | null> {
  return session.transaction(async (statements) => {
    const tenant = await tenantOf(statements, scope, id)
    const [found] = tenant === null ? [] : await statements.rows(LOCK, { tenant, id })
    if (tenant === null || found === undefined) return null
    const cancelled = await cancelSubscription(statements, tenant, id)
    await statements.run(DELETE, { tenant, id })
    await statements.run(BUMP, { tenant })
    return { subscription: subscriptionOf(found), cancelled }
  })
}

/** `Store.snapshot`. The version is read first: a change in between is then seen as one. */
export async function snapshot(
  statements: Statements,
  tenant: string,
  range: { readonly after: string | null; readonly upTo: string | null; readonly limit: number },
): Promise<{ version: number; subscriptions: readonly SubscriptionRecord[]; more: boolean }> {
  const [versionRow] = await statements.rows(VERSION, { tenant })
  const values = { tenant, after: range.after ?? '', count: range.limit + 1 }
  const rows =
    range.upTo === null
      ? await statements.rows(SNAPSHOT, values)
      : await statements.rows(SNAPSHOT_RANGE, { ...values, upTo: range.upTo })
  return {
    version: number(versionRow?.version ?? 0),
    subscriptions: rows.slice(0, range.limit).map(subscriptionOf),
    more: rows.length > range.limit,
  }
}
