/** Puts together what knows about held deliveries and broken subscriptions; one of them for all of a sender. */
import type { Parts } from '../parts.ts'
import { type Conditions, createConditions } from './conditions.ts'
import { createNotices, type Notices } from './notices.ts'
import { createStoreTime, type StoreTime } from './prepare.ts'
import { createReleaser, type Releaser } from './release.ts'

export interface Holding {
  readonly time: StoreTime
  readonly notices: Notices
  readonly conditions: Conditions
  readonly releaser: Releaser
}

export function createHolding(parts: Parts): Holding {
  const time = createStoreTime(parts.clock)
  const notices = createNotices(parts)
  const conditions = createConditions(parts, time, notices, ({ tenantId, id }) => releaser.mark(tenantId, id))
  const releaser = createReleaser(parts, time, (row) => conditions.review(row))
  return { time, notices, conditions, releaser }
}
