/** `webhooks.eraseTenant`: a tenant leaves, and everything that is kept about it goes, in bounded steps. */

import { writingTenantOf } from './input/tenant.ts'
import type { Parts } from './parts.ts'

const BATCH = 500

/** Builds it. */
export function createEraseTenant({ store, statistics }: Parts): (tenantId: string) => Promise<void> {
  return async (tenantId) => {
    const tenant = writingTenantOf({ tenantId }, null)
    await store.open()
    await statistics.flush()
    while (!(await store.eraseTenant(tenant, BATCH)));
  }
}
