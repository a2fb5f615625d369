/**
 * Claims due rows. In three steps, none of which holds a lock for the next: look at what is due, pick fairly, lease what is still
 * free of it. Rows that another process takes in between are left out.
 */
import type { Claimed, ClaimRequest } from '../../queries.ts'
import type { EventRecord, Work } from '../../records.ts'
import {
  candidates,
  LEASE,
  LEASE_ANY,
  LEASE_ANY_APART,
  LEASE_EVENTS,
  LEASE_LOCKED,
  LOAD,
  LOAD_APART,
  LOCK_FREE_ROWS,
  NEXT_LEASE,
  SUSPECTS,
} from './claim-statements.ts'
import { claimedEvents } from './claimed-events.ts'
import { objectIn } from './json-columns.ts'
import { type Candidate, createTurns, pick, shareOf } from './pick.ts'
import { handBack } from './queue.ts'
import {
  deliveryOf,
  eventOfClaim,
  flag,
  instant,
  KIND,
  number,
  numberOrNull,
  rowName,
  text,
  textOrNull,
  toMicros,
  toMs,
} from './rows.ts'
import type { Row, Session } from './session.ts'
import type { Values } from './template.ts'
import { candidateOf, createWalk } from './walk.ts'

/** How many rows a claim looks at, by its limit; constants, for the sake of query plans. */
const looksOf = (ofAll: boolean) => {
  const look = (count: number) => ({ count, template: candidates(count, ofAll) })
  return { looks: [64, 128, 256, 512, 1024].map(look), last: look(4096) }
}
const OF_ALL = looksOf(true)
const OF_SOME = looksOf(false)

/** How soon a row of a kind that this version does not know is due again: by then a worker of a newer one has had it, or comes. */
const NEWER_MS = 5_000

/** Two that claim at once pick the same rows, and one of them gets none: it looks again, so often at most. */
const MORE_LOOKS = 5

/** What claims remember from one to the next. */
export type Claimer = (request: ClaimRequest) => Promise<Claimed>

/** `Store.claim` of one process. */
export function createClaimer(session: Session): Claimer {
  const turns = createTurns()
  const walk = createWalk(session)
  /** The last look came back full: the lanes behind it are asked for along with the next one. */
  let isBacklog = false

  return async (request) => {
    let { claimed, missed } = await claimOnce(request)
    for (let again = 0; missed > 0 && again < MORE_LOOKS && !request.alone; again += 1) {
      const next = await claimOnce({ ...request, limit: missed, ...left(request, claimed.work) })
      const versions = new Map([...claimed.versions, ...next.claimed.versions])
      claimed = { ...next.claimed, work: [...claimed.work, ...next.claimed.work], versions }
      missed = next.missed
    }
    return claimed
  }

  /** `missed`: how many rows were picked and are others': taken by them meanwhile, or left to them. */
  async function claimOnce(
    request: ClaimRequest,
  ): Promise<{ readonly claimed: Claimed; readonly missed: number }> {
    const { from: low, to: high } = request.buckets ?? { from: 0, to: 255 }
    const { looks, last } = low === 0 && high === 255 ? OF_ALL : OF_SOME
    const look = looks.find(({ count }) => count >= request.limit) ?? last
    const lanes = isBacklog && !request.alone ? walk.see(request) : null
    lanes?.catch(() => undefined)
    const seen = await session.rows(look.template, { low, high })
    const [horizon] = seen
    const now = number(horizon?.now)
    const values = { now, low, high }
    const oldest = seen.filter(({ id }) => id !== null).map(candidateOf)
    if (!request.alone) isBacklog = oldest.length >= look.count
    const found = request.alone ? await suspects(values) : await due(request, values, oldest, lanes)
    const picked = request.alone ? onlyFirst(found, request) : pick(found, request, turns)
    const isLast = !request.alone && found.length === picked.length
    const rows = picked.length === 0 ? [] : await lease(picked, request, values, isLast)
    const nextSuspect = numberOrNull(horizon?.next_suspect)
    const earliest = isLast
      ? await nextLease(rows, request, values)
      : (firstLeft(found, picked)?.dueAt ?? null)
    const nextDueAt = [earliest, numberOrNull(horizon?.next_due), request.alone ? null : nextSuspect]
    const known = rows.filter(isKnown)
    if (known.length < rows.length)
      await giveBack(
        rows.filter((row) => !isKnown(row)),
        request.token,
      )
    const versions = new Map(known.map((row) => [text(row.tenant_id), number(row.version ?? 0)]))
    const eventOf = namesTwice(picked) ? await claimedEvents(session, known) : eventOfClaim
    const claimed = {
      work: known.flatMap((row) => workOf(row, request.token, eventOf)),
      now: toMs(now),
      versions,
      suspects:
        nextSuspect !== null && nextSuspect <= now && (!request.alone || found.length > picked.length),
      nextDueAt: least(nextDueAt),
    }
    return { claimed, missed: picked.length - known.length }
  }

  /** Rows for a worker of a newer version. Where that fails their lease brings them back, and what was claimed with them is kept. */
  async function giveBack(rows: readonly Row[], token: string): Promise<void> {
    const claims = rows.map((row) => ({ row: placeName(row), token }))
    await handBack(
      session,
      claims.map((claim) => ({ claim, delayMs: NEWER_MS })),
    ).catch(() => undefined)
  }

  async function suspects(values: Values): Promise<readonly Candidate[]> {
    return (await session.rows(SUSPECTS, values)).map(candidateOf)
  }

  /** The oldest due rows; in a backlog also the first rows of subscriptions and tenants that wait behind it. */
  async function due(
    request: ClaimRequest,
    values: Values,
    oldest: readonly Candidate[],
    lanes: ReturnType<typeof walk.see> | null,
  ): Promise<readonly Candidate[]> {
    if (request.limit < 1) return []
    if (!isBacklog) return oldest
    const behind = await walk.behind(request, values, oldest, lanes ?? walk.see(request))
    const known = new Set(oldest.map(({ id }) => id))
    const rows = [...oldest, ...behind.filter(({ id }) => !known.has(id))]
    return rows.sort((a, b) => a.dueAt - b.dueAt || a.sequence - b.sequence)
  }

  async function lease(
    picked: readonly Candidate[],
    { token, leaseMs, alone }: ClaimRequest,
    range: Values,
    isLast: boolean,
  ): Promise<readonly Row[]> {
    const w = placesOf(picked)
    const values = { ...range, w, token, lease: toMicros(leaseMs), alone: Number(alone), ask: Number(isLast) }
    const rows = await leased(values, picked)
    return [...rows].sort(
      (a, b) => number(a.due_at) - number(b.due_at) || number(a.sequence) - number(b.sequence),
    )
  }

  async function leased(values: Values, picked: readonly Candidate[]): Promise<readonly Row[]> {
    const { dialect } = session
    const apart = namesTwice(picked)
    if (dialect.insertsTogether) {
      const some = picked.some(({ kind }) => kind === KIND.delivery)
      return session.rows(some ? (apart ? LEASE_ANY_APART : LEASE_ANY) : LEASE_EVENTS, values)
    }
    if (dialect.updatesLocked) await session.run(LEASE, values)
    else {
      await session.transaction(async (statements) => {
        const free = (await statements.rows(LOCK_FREE_ROWS, values)).map(placeOf)
        if (free.length > 0) await statements.run(LEASE_LOCKED, { ...values, w: free })
      })
    }
    return session.rows(apart ? LOAD_APART : LOAD, values)
  }

  /** When the earliest lease of others ends. Only where nothing due was left: else that is due sooner. */
  async function nextLease(
    rows: readonly Row[],
    { token }: ClaimRequest,
    values: Values,
  ): Promise<number | null> {
    const told = rows[0] ?? {}
    if ('next_lease' in told) return numberOrNull(told.next_lease)
    const [row] = await session.rows(NEXT_LEASE, { ...values, token })
    return numberOrNull(row?.next_lease)
  }
}

function firstLeft(found: readonly Candidate[], picked: readonly Candidate[]): Candidate | undefined {
  const taken = new Set(picked.map(({ id }) => id))
  return found.find(({ id }) => !taken.has(id))
}

function onlyFirst(rows: readonly Candidate[], request: ClaimRequest): readonly Candidate[] {
  if (request.limit < 1) return []
  return rows.filter((row) => shareOf(row.subscriptionId, request) > 0).slice(0, 1)
}

/** What may be taken yet: the shares of those subscriptions that have been served already, less what they got, and so on. */
function left(request: ClaimRequest, work: readonly Work[]): Pick<ClaimRequest, 'shares' | 'lostOnce'> {
  const shares = new Map(request.shares)
  let { lostOnce = Number.POSITIVE_INFINITY } = request
  for (const one of work) {
    const id = one.kind === 'delivery' ? one.delivery.subscriptionId : null
    if (id !== null) shares.set(id, (shares.get(id) ?? request.perSubscription) - 1)
    if (one.lostClaims > 0) lostOnce -= 1
  }
  return { shares, lostOnce }
}

/** Sorted, so that two claims lock rows in the same order. */
function placesOf(rows: readonly Candidate[]): readonly (readonly (string | number)[])[] {
  const places = rows.map(({ tenantId, eventId, id }) => [tenantId, eventId, id] as const)
  return places.sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]) || a[2] - b[2])
}

/** Whether several are of one event, whose body then comes apart. */
function namesTwice(picked: readonly Candidate[]): boolean {
  const events = new Set(picked.map(({ tenantId, eventId }) => JSON.stringify([tenantId, eventId])))
  return events.size < picked.length
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const placeOf = (row: Row): readonly (string | number)[] => [
  text(row.tenant_id),
  text(row.event_id),
  number(row.id),
]

function least(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : toMs(Math.min(...known))
}

const placeName = (row: Row): string => rowName(text(row.tenant_id), text(row.event_id), number(row.id))

const KINDS: readonly number[] = Object.values(KIND)
const isKnown = (row: Row): boolean => KINDS.includes(number(row.kind))

function workOf(row: Row, token: string, eventOf: (row: Row) => EventRecord): Work[] {
  const tenantId = text(row.tenant_id)
  const base = {
    claim: { row: placeName(row), token },
    tenantId,
    leaseUntil: instant(row.lease_until),
    lostClaims: number(row.claims_before),
    lostAlone: number(row.lost_alone_before),
    resumed: number(row.resumed) > 1,
  }
  const kind = number(row.kind)
  if (kind === KIND.job) return [{ kind: 'job', job: objectIn(row.job) ?? {}, ...base }]
  if (row.e_type === null) return []
  const event = eventOf(row)
  if (kind === KIND.event) {
    const range = { after: textOrNull(row.after_id), upTo: textOrNull(row.up_to_id) }
    return [{ kind: 'event', event, ...range, ...base }]
  }
  if (row.d_id === null) return []
  const trigger = text(row.cause) as Extract<Work, { kind: 'delivery' }>['trigger']
  const delivery = deliveryOf(row, 'd_')
  return [{ kind: 'delivery', event, delivery, trigger, released: flag(row.released), ...base }]
}
