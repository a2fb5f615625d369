/**
 * `webhooks.subscriptions`: who wants which events, and where. Checks, calls the store, reports each change; a secret
 * leaves it only from create, rotateSecret and revealSecret.
 */
import type { Catalog } from './catalog.ts'
import { cancelAll } from './delivery/cancel.ts'
import { forgotten, revisionOf } from './delivery/condition.ts'
import { reportEnded } from './delivery/report-ended.ts'
import { PosthornError } from './errors.ts'
import type { SubscriptionChange } from './hooks.ts'
import { filterText } from './input/filter-text.ts'
import { isId, shownId } from './input/id-input.ts'
import { invalidInput, recordOf } from './input/known-keys.ts'
import { PAGE_KEYS, pageOf } from './input/page.ts'
import { type TenantOptions, tenantFilterOf, tenantOf, writingTenantOf } from './input/tenant.ts'
import type { Subscription, SubscriptionState, TenantScope } from './model.ts'
import type { Parts } from './parts.ts'
import { matchesPattern } from './patterns.ts'
import { presentSubscription } from './present.ts'
import type { SubscriptionPatch, SubscriptionRecord } from './records.ts'
import type { Subscriptions, SubscriptionsOptions } from './subscriptions/api.ts'
import { newSubscription, patchOf } from './subscriptions/changes.ts'
import { CHANGE_KEYS, changesOf, checkEventType, metadataOf, STATES } from './subscriptions/input.ts'
import { subscriptionsMatching } from './subscriptions/matching.ts'
import { createOwnership } from './subscriptions/ownership.ts'
import { currentSecret, rotation } from './subscriptions/secrets.ts'
import type { IssuedSecret } from './subscriptions/signing-input.ts'

export type * from './subscriptions/api.ts'

const LIST_KEYS = ['tenantId', 'tenantIds', 'eventType', 'state', 'metadata', ...PAGE_KEYS]

/** Builds `webhooks.subscriptions`. */
export function createSubscriptions<Events extends Catalog | null = null>(
  parts: Parts,
  { publishTest, releaseHeld }: SubscriptionsOptions,
): Subscriptions<Events> {
  const { store, defaultTenant } = parts
  const ownership = createOwnership(parts)
  const limits =
    parts.maxSubscriptionsPerTenant === null ? {} : { perTenant: parts.maxSubscriptionsPerTenant }
  const scopeOf = (options: TenantOptions | undefined) => tenantOf(options, defaultTenant)

  async function find(scope: TenantScope, id: string): Promise<SubscriptionRecord> {
    const row = isId(id) ? await store.getSubscription(scope, id) : null
    if (!row) throw notFound(id)
    return row
  }

  async function reported(row: SubscriptionRecord, change: SubscriptionChange): Promise<Subscription> {
    const subscription = await presentSubscription(row, parts)
    parts.report.subscriptionChanged({ change, subscription })
    return subscription
  }

  /** Reads the row and changes it as it was read; begins anew when someone else was faster. */
  async function change(
    scope: TenantScope,
    id: string,
    decide: (row: SubscriptionRecord) => Promise<SubscriptionPatch | null> | SubscriptionPatch | null,
    ifRevision?: number,
  ): Promise<{ row: SubscriptionRecord; changed: boolean }> {
    for (let tries = 0; tries < 10; tries++) {
      const row = await find(scope, id)
      if (ifRevision !== undefined && revisionOf(row) !== ifRevision) break
      const patch = await decide(row)
      if (patch === null) return { row, changed: false }
      const after = await store.updateSubscription(row.tenantId, id, patch, { revision: row.revision })
      if (after === null) throw notFound(id)
      if (after !== 'conflict') return { row: after, changed: true }
    }
    throw new PosthornError(
      'CONFLICT',
      `Subscription "${id}" was changed meanwhile: read it again and repeat the change`,
    )
  }

  /** Asks the receiver of a row that waits for it; when it agrees the row becomes as it was `wanted`. */
  async function begin(
    row: SubscriptionRecord,
    { state, pausedBy }: Pick<SubscriptionRecord, 'state' | 'pausedBy'>,
  ): Promise<SubscriptionRecord> {
    if (!ownership.awaited(row) || !(await ownership.proves(row))) return row
    const { tenantId, id, revision } = row
    const patch = { state, pausedBy, disabledReason: null }
    const after = await store.updateSubscription(tenantId, id, patch, { revision })
    if (after === null || after === 'conflict') return find(tenantId, id)
    if (state === 'active') await releaseHeld(after)
    return after
  }

  const drop = ({ tenantId, id }: SubscriptionRecord) => cancelAll(parts, { tenantId, subscriptionId: id })

  return {
    async create(input) {
      const known = recordOf(input, ['id', 'tenantId', 'secret', 'state', ...CHANGE_KEYS], 'the subscription')
      const tenantId = writingTenantOf(input, defaultTenant)
      const { row, issued } = await newSubscription(known, tenantId, parts)
      const inserted = await store.insertSubscription(ownership.beforeProof(row), limits)
      if (inserted === null)
        throw new PosthornError('CONFLICT', `This tenant already has a subscription "${row.id}"`, {
          path: 'id',
        })
      if (inserted === 'limit')
        throw new PosthornError(
          'CONFLICT',
          `This tenant has ${parts.maxSubscriptionsPerTenant} subscriptions, as many as \`maxSubscriptionsPerTenant\` allows: delete one, or raise the option`,
          { path: 'maxSubscriptionsPerTenant' },
        )
      const begun = row.state === 'disabled' ? inserted : await begin(inserted, row)
      return { subscription: await reported(begun, 'created'), ...shown(issued) }
    },
    async get(id, options) {
      return presentSubscription(await find(scopeOf(options), id), parts)
    },
    async update(id, changes, options = {}) {
      const known = changesOf(changes)
      recordOf(options, ['tenantId', 'ifRevision'], 'the options')
      const befores: SubscriptionRecord[] = []
      const decide = async (current: SubscriptionRecord) => {
        befores[0] = current
        return ownership.patchFor(await patchOf(known, current, parts), current)
      }
      const { row } = await change(scopeOf(options), id, decide, options.ifRevision)
      const [before = row] = befores
      return reported(before.state === 'disabled' ? row : await begin(row, before), 'updated')
    },
    async delete(id, options) {
      const found = await find(scopeOf(options), id)
      // In batches; the store then cancels what a worker adds between this and the removal.
      await drop(found)
      const deleted = await store.deleteSubscription(found.tenantId, id)
      if (deleted === null) throw notFound(id)
      for (const delivery of deleted.cancelled) reportEnded(parts, delivery)
      await reported(deleted.subscription, 'deleted')
    },
    async list(options = {}) {
      recordOf(options, LIST_KEYS, 'the options')
      const plan = pageOf(options)
      const { state, metadata } = options
      if (state !== undefined && !STATES.includes(state))
        throw invalidInput('state', `must be one of ${STATES.join(', ')}`)
      const rows = await store.listSubscriptions(
        {
          tenant: tenantFilterOf(options, defaultTenant),
          ...filterText(options, ['eventType']),
          ...(state === undefined ? {} : { state }),
          ...(metadata === undefined ? {} : { metadata: metadataOf(metadata) }),
        },
        plan.page,
      )
      return plan.listed(
        rows,
        ({ createdAt, id }) => ({ at: createdAt, id }),
        (row) => presentSubscription(row, parts),
      )
    },
    async matches(event) {
      const rows = await subscriptionsMatching(event, parts)
      return Promise.all(rows.map((row) => presentSubscription(row, parts)))
    },
    async pause(id, options) {
      const { row, changed } = await change(scopeOf(options), id, ({ state, pausedBy }) => {
        if (state === 'disabled') throw wrongState(id, 'disabled', 'enable it first')
        return pausedBy === 'user' ? null : { state: 'paused', pausedBy: 'user' }
      })
      return changed ? reported(row, 'paused') : presentSubscription(row, parts)
    },
    async resume(id, options) {
      const { row, changed } = await change(scopeOf(options), id, async (current) => {
        if (current.state === 'disabled') throw wrongState(id, 'disabled', 'call `enable`')
        if (current.state === 'active') return null
        return { state: 'active', pausedBy: null, condition: forgotten(current, await store.now()) }
      })
      await releaseHeld(row)
      return changed ? reported(row, 'resumed') : presentSubscription(row, parts)
    },
    async disable(id, options = {}) {
      recordOf(options, ['tenantId', 'reason'], 'the options')
      const { reason = 'user' } = options
      if (!['user', 'gone', 'failing', 'unverified'].includes(reason))
        throw invalidInput('reason', 'must be user, gone, failing or unverified')
      const { row, changed } = await change(scopeOf(options), id, ({ state }) =>
        state === 'disabled' ? null : { state: 'disabled', pausedBy: null, disabledReason: reason },
      )
      return changed ? reported(row, 'disabled') : presentSubscription(row, parts)
    },
    async enable(id, options = {}) {
      recordOf(options, ['tenantId', 'pending'], 'the options')
      const { pending = 'send' } = options
      if (pending !== 'send' && pending !== 'drop') throw invalidInput('pending', 'must be send or drop')
      const scope = scopeOf(options)
      const before = await find(scope, id)
      const proven = ownership.awaited(before) && (await ownership.proves(before)) ? before.url : null
      if (ownership.awaited(before) && proven === null) throw notProven(id)
      // Before it is active, so that nothing of the old goes out and nothing of the new is dropped.
      if (pending === 'drop' && before.state === 'disabled') await drop(before)
      const { row, changed } = await change(scope, id, async (current) => {
        const { state } = current
        if (state === 'paused') throw wrongState(id, 'paused', 'call `resume`')
        if (ownership.awaited(current) && current.url !== proven) throw notProven(id)
        if (state === 'active') return null
        return { state: 'active', disabledReason: null, condition: forgotten(current, await store.now()) }
      })
      await releaseHeld(row)
      return changed ? reported(row, 'enabled') : presentSubscription(row, parts)
    },
    async rotateSecret(id, options = {}) {
      recordOf(options, ['tenantId', 'overlapMs', 'secret', 'scheme'], 'the options')
      const { overlapMs = 86_400_000, secret, scheme } = options
      if (!Number.isFinite(overlapMs) || overlapMs < 0 || overlapMs > 30 * 86_400_000)
        throw invalidInput('overlapMs', 'must be 0 to 2592000000 milliseconds (30 days)')
      let secrets: readonly IssuedSecret[] = []
      const { row } = await change(scopeOf(options), id, async (current) => {
        const { patch, issued } = await rotation(current, { secret, scheme, overlapMs }, parts)
        secrets = issued
        return patch
      })
      const [first] = secrets
      if (!first) throw notFound(id)
      return { subscription: await reported(row, 'secretRotated'), ...shown(secrets), secret: first.secret }
    },
    async revealSecret(id, options = {}) {
      recordOf(options, ['tenantId', 'scheme'], 'the options')
      const row = await find(scopeOf(options), id)
      const secret = await currentSecret(row, parts, options.scheme)
      await reported(row, 'secretRevealed')
      return secret
    },
    async test(id, options = {}) {
      recordOf(options, ['tenantId', 'type', 'pending'], 'the options')
      const { pending = 'send' } = options
      if (pending !== 'send' && pending !== 'drop') throw invalidInput('pending', 'must be send or drop')
      const row = await find(scopeOf(options), id)
      if (ownership.awaited(row)) throw notProven(id)
      const type = options.type ?? testTypeFor(row, parts)
      if (options.type !== undefined) checkEventType(type, parts.catalog)
      return publishTest(row, type, pending)
    },
  }
}

/** What create and rotate show: the first scheme's secret, and all of them. */
function shown(secrets: readonly IssuedSecret[]) {
  const keyPair = secrets.find((one) => one.publicKey !== undefined)
  return {
    secret: secrets[0]?.secret ?? null,
    ...(keyPair?.publicKey === undefined ? {} : { publicKey: keyPair.publicKey }),
    secrets,
  }
}

function testTypeFor({ events }: SubscriptionRecord, { catalog }: Parts): string {
  const wanted = (type: string) => events.some((pattern) => matchesPattern(pattern, type))
  return catalog?.types.find(wanted) ?? 'test.ping'
}

const notFound = (id: unknown) =>
  new PosthornError('NOT_FOUND', `No subscription ${shownId(id)} of this tenant`)

const notProven = (id: string) =>
  new PosthornError(
    'CONFLICT',
    `Subscription "${id}" is unverified: its receiver did not agree to deliveries when it was asked (\`verifyEndpoint\`)`,
  )

const wrongState = (id: string, state: SubscriptionState, fix: string) =>
  new PosthornError('CONFLICT', `Subscription "${id}" is ${state}: ${fix}`)
