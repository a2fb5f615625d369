/**
 * Whose rows a call may see. Every call goes through here, so that a forgotten tenant is an error and never
 * everybody's data.
 */
import { PosthornError } from '../errors.ts'
import type { TenantFilter } from '../lists.ts'
import { anyTenant, type TenantScope } from '../model.ts'
import { invalidInput } from './known-keys.ts'

/** What calls by id take: one tenant, or `anyTenant` where an operator means every one. */
export interface TenantOptions {
  /** May be left out when `createWebhooks` was given a `defaultTenant`. */
  readonly tenantId?: TenantScope | undefined
}

/** What lists take: a tenant, `anyTenant`, or `tenantIds` for several. */
export interface TenantListOptions extends TenantOptions {
  /** Up to 1000 tenants; not together with `tenantId`. None of them: an empty list. */
  readonly tenantIds?: readonly string[] | undefined
}

/**
 * The tenant of a call: the one given, or else the default.
 *
 * @throws PosthornError TENANT_REQUIRED when there is neither, INVALID_INPUT when it is not 1 to 255 characters
 * without control characters and lone surrogates
 */
export function tenantOf(options: TenantOptions | undefined, defaultTenant: string | null): TenantScope {
  const given: unknown = options?.tenantId ?? defaultTenant
  if (given === null || given === undefined)
    throw new PosthornError(
      'TENANT_REQUIRED',
      'Pass `{ tenantId }`, or give `defaultTenant` to createWebhooks when there is only one tenant. Operators pass `anyTenant`.',
      { path: 'tenantId' },
    )
  return given === anyTenant ? anyTenant : checkTenant(given, 'tenantId')
}

/**
 * The one tenant that a new row belongs to.
 *
 * @throws PosthornError like `tenantOf`; TENANT_REQUIRED for `anyTenant`, too
 */
export function writingTenantOf(options: TenantOptions | undefined, defaultTenant: string | null): string {
  const tenant = tenantOf(options, defaultTenant)
  if (tenant === anyTenant)
    throw new PosthornError(
      'TENANT_REQUIRED',
      'What is created belongs to one tenant: pass its id as `tenantId`, not `anyTenant`',
      { path: 'tenantId' },
    )
  return tenant
}

/**
 * The tenants whose rows a list shows.
 *
 * @throws PosthornError like `tenantOf`; CONTRADICTORY_OPTIONS for `tenantId` and `tenantIds` together
 */
export function tenantFilterOf(options: TenantListOptions, defaultTenant: string | null): TenantFilter {
  const { tenantId, tenantIds } = options
  if (tenantIds === undefined) return tenantOf(options, defaultTenant)
  if (tenantId !== undefined)
    throw new PosthornError(
      'CONTRADICTORY_OPTIONS',
      'Both `tenantId` and `tenantIds` are set: leave one out',
      { path: 'tenantIds' },
    )
  if (!Array.isArray(tenantIds) || tenantIds.length > 1000)
    throw invalidInput('tenantIds', 'must be an array of up to 1000 tenants')
  return Array.from(tenantIds, (id, index) => checkTenant(id, `tenantIds[${index}]`))
}

function checkTenant(tenant: unknown, path: string): string {
  if (typeof tenant !== 'string') throw invalidInput(path, 'must be a string (turn numbers into text)')
  if (tenant.length < 1 || tenant.length > 255)
    throw invalidInput(path, `must have 1 to 255 characters, not ${tenant.length}`)
  if (/[\p{Cc}\p{Surrogate}]/u.test(tenant))
    throw invalidInput(path, 'has a control character or a lone surrogate')
  return tenant
}
