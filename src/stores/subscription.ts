/** The subscription row that a store keeps after a change, and when it may change. */
import type { SubscriptionState } from '../model.ts'
import type { SecretRecord, SubscriptionPatch, SubscriptionRecord } from '../records.ts'

/** What must still be so for a change to be made. */
export interface SubscriptionGuard {
  readonly revision?: number
  readonly states?: readonly SubscriptionState[]
}

/** True when the row is still as the guard wants it. */
export function fitsGuard(
  row: Pick<SubscriptionRecord, 'revision' | 'state'>,
  { revision, states }: SubscriptionGuard,
): boolean {
  return (revision === undefined || revision === row.revision) && (states?.includes(row.state) ?? true)
}

/** True when the patch names nothing but `condition`, which leaves the tenant's version as it is. */
export function onlyCondition(patch: SubscriptionPatch): boolean {
  return Object.entries(patch).every(([key, value]) => key === 'condition' || value === undefined)
}

/** The row after the change, at the store's `now`. It shares parts with the row before and with the patch. */
export function patched(
  before: SubscriptionRecord,
  patch: SubscriptionPatch,
  now: number,
): SubscriptionRecord {
  const { rotate, ...rest } = patch
  const fields = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  const changed: SubscriptionRecord = { ...before, ...fields, updatedAt: now, revision: before.revision + 1 }
  return {
    ...changed,
    disabledAt: patch.state === undefined ? before.disabledAt : patch.state === 'disabled' ? now : null,
    secrets: rotate === undefined ? changed.secrets : rotated(changed.secrets, rotate, now),
  }
}

function rotated(
  secrets: readonly SecretRecord[],
  { value, overlapMs, keep }: NonNullable<SubscriptionPatch['rotate']>,
  now: number,
): readonly SecretRecord[] {
  const end = now + overlapMs
  const older = secrets.map((secret) => ({ ...secret, expiresAt: Math.min(secret.expiresAt ?? end, end) }))
  return [{ value, createdAt: now, expiresAt: null }, ...older].slice(0, Math.max(1, keep))
}
