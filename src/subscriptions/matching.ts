/** `subscriptions.matches`: who would get an event, without publishing it. */
import type { Catalog, EventName } from '../catalog.ts'
import { serialise } from '../delivery/body.ts'
import { type Selectable, selects } from '../delivery/selects.ts'
import { recordOf } from '../input/known-keys.ts'
import { writingTenantOf } from '../input/tenant.ts'
import type { Metadata } from '../model.ts'
import type { Parts } from '../parts.ts'
import type { SubscriptionRecord } from '../records.ts'
import { checkEventType, metadataOf } from './input.ts'
import { channelsOf } from './selection-input.ts'

/** An event to try. */
export interface EventToMatch<Events extends Catalog | null = null> {
  /** May be left out when `createWebhooks` was given a `defaultTenant`. */
  readonly tenantId?: string | undefined
  readonly type: EventName<Events>
  /** What filters look at. It is not checked by the event's schema. */
  readonly data?: unknown
  readonly metadata?: Metadata | undefined
  readonly channels?: readonly string[] | undefined
}

const PAGE = 1_000

/**
 * The rows of the tenant's subscriptions that would get it now, in the order of their ids.
 *
 * @throws PosthornError TENANT_REQUIRED, INVALID_INPUT, UNKNOWN_EVENT_TYPE, PAYLOAD_NOT_SERIALISABLE
 */
export async function subscriptionsMatching(
  input: unknown,
  parts: Parts,
): Promise<readonly SubscriptionRecord[]> {
  const event = recordOf(input, ['tenantId', 'type', 'data', 'metadata', 'channels'], 'the event')
  const tenantId = writingTenantOf(event, parts.defaultTenant)
  const chosen = selectableOf(event, parts)
  const matching: SubscriptionRecord[] = []
  let after: string | null = null
  for (;;) {
    const page = await parts.store.snapshot(tenantId, { after, upTo: null, limit: PAGE })
    matching.push(...page.subscriptions.filter((row) => row.state !== 'disabled' && selects(row, chosen)))
    const last = page.subscriptions.at(-1)
    if (!page.more || last === undefined) return matching
    after = last.id
  }
}

function selectableOf(event: Readonly<Record<string, unknown>>, parts: Parts): Selectable {
  const { type, metadata, channels } = event
  checkEventType(type, parts.catalog)
  const data =
    event.data === undefined ? undefined : JSON.parse(serialise(event.data, parts.maxBodyBytes).text)
  return {
    type,
    metadata: metadata === undefined ? {} : metadataOf(metadata),
    channels: channels === undefined ? [] : channelsOf(channels),
    data: () => data,
  }
}
