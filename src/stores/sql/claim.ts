/**
 * Claims due rows. In three steps, none of which holds a lock for the next: look at what is due, pick fairly, lease what is still
 * free of it. Rows that another process takes in between are left out.
 */
import type { Claimed, ClaimRequest } from '../../queries.ts'
import type { Work } from '../../records.ts'
import {
  candidates,
  HORIZON,
  LEASE,
  LEASE_LOCKED,
  LOAD,
  LOCK_FREE,
  NEXT_LEASE,
  SUSPECTS,
} from './claim-statements.ts'
import { type Candidate, createTurns, pick, shareOf } from './pick.ts'
import {
  deliveryOf,
  eventOf,
  flag,
  instant,
  json,
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
const LOOKS = [64, 256, 1024, 4096].map((count) => ({ count, template: candidates(count) }))

/** What claims remember from one to the next. */
export type Claimer = (request: ClaimRequest) => Promise<Claimed>

/** `Store.claim` of one process. */
export function createClaimer(session: Session): Claimer {
  const turns = createTurns()
  const walk = createWalk(session)

  return async (request) => {
    const { from: low, to: high } = request.buckets ?? { from: 0, to: 255 }
    const [horizon] = await session.rows(HORIZON, { low, high })
    const now = number(horizon?.now)
    const values = { now, low, high }
    const found = request.alone ? await suspects(values) : await due(request, values)
    const picked = request.alone ? onlyFirst(found.rows, request) : pick(found.rows, request, turns)
    const rows = picked.length === 0 ? [] : await lease(picked, request, now)
    const nextSuspect = numberOrNull(horizon?.next_suspect)
    const earliest = await earliestLeft(found.rows, picked, request, values)
    const nextDueAt = [earliest, numberOrNull(horizon?.next_due), request.alone ? null : nextSuspect]
    const versions = new Map(rows.map((row) => [text(row.tenant_id), number(row.version ?? 0)]))
    return {
      work: rows.flatMap((row) => workOf(row, request.token)),
      now: toMs(now),
      versions,
      suspects:
        nextSuspect !== null && nextSuspect <= now && (!request.alone || found.rows.length > picked.length),
      nextDueAt: least(nextDueAt),
    }
  }

  async function suspects(values: Values): Promise<{ rows: readonly Candidate[] }> {
    return { rows: (await session.rows(SUSPECTS, values)).map(candidateOf) }
  }

  /** The oldest due rows; in a backlog also the first rows of subscriptions and tenants that wait behind it. */
  async function due(request: ClaimRequest, values: Values): Promise<{ rows: readonly Candidate[] }> {
    const look = LOOKS.find(({ count }) => count >= request.limit * 2) ?? LOOKS.at(-1)
    if (look === undefined || request.limit < 1) return { rows: [] }
    const oldest = (await session.rows(look.template, values)).map(candidateOf)
    if (oldest.length < look.count) return { rows: oldest }
    const behind = await walk(request, values)
    const known = new Set(oldest.map(({ id }) => id))
    const rows = [...oldest, ...behind.filter(({ id }) => !known.has(id))]
    return { rows: rows.sort((a, b) => a.dueAt - b.dueAt || a.sequence - b.sequence) }
  }

  async function lease(
    picked: readonly Candidate[],
    { token, leaseMs, alone }: ClaimRequest,
    now: number,
  ): Promise<readonly Row[]> {
    const w = placesOf(picked)
    const values = { w, now, token, lease: toMicros(leaseMs), alone: Number(alone) }
    if (session.dialect.updatesLocked) await session.run(LEASE, values)
    else {
      await session.transaction(async (statements) => {
        const free = (await statements.rows(LOCK_FREE, values)).map(placeOf)
        if (free.length > 0) await statements.run(LEASE_LOCKED, { ...values, w: free })
      })
    }
    const rows = await session.rows(LOAD, { w, token })
    return [...rows].sort(
      (a, b) => number(a.due_at) - number(b.due_at) || number(a.sequence) - number(b.sequence),
    )
  }

  /** The earliest due time or lease end of what was due and not taken. */
  async function earliestLeft(
    found: readonly Candidate[],
    picked: readonly Candidate[],
    request: ClaimRequest,
    values: Values,
  ): Promise<number | null> {
    if (found.length > picked.length) {
      const taken = new Set(picked.map(({ id }) => id))
      return found.find(({ id }) => !taken.has(id))?.dueAt ?? null
    }
    if (request.alone) return null
    const [row] = await session.rows(NEXT_LEASE, { ...values, token: request.token })
    return numberOrNull(row?.next_lease)
  }
}

function onlyFirst(rows: readonly Candidate[], request: ClaimRequest): readonly Candidate[] {
  if (request.limit < 1) return []
  return rows.filter((row) => shareOf(row.subscriptionId, request) > 0).slice(0, 1)
}

/** Sorted, so that two claims lock rows in the same order. */
function placesOf(rows: readonly Candidate[]): readonly (readonly (string | number)[])[] {
  const places = rows.map(({ tenantId, eventId, id }) => [tenantId, eventId, id] as const)
  return places.sort((a, b) => compare(a[0], b[0]) || compare(a[1], b[1]) || a[2] - b[2])
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

function workOf(row: Row, token: string): Work[] {
  const tenantId = text(row.tenant_id)
  const base = {
    claim: { row: rowName(tenantId, text(row.event_id), number(row.id)), token },
    tenantId,
    leaseUntil: instant(row.lease_until),
    lostClaims: number(row.claims_before),
    lostAlone: number(row.lost_alone_before),
    resumed: number(row.resumed) > 1,
  }
  const kind = number(row.kind)
  if (kind === KIND.job) return [{ ...base, kind: 'job', job: json(row.job, {}) }]
  if (row.e_id === null) return []
  const event = eventOf(row, 'e_')
  if (kind === KIND.event) {
    const range = { after: textOrNull(row.after_id), upTo: textOrNull(row.up_to_id) }
    return [{ ...base, kind: 'event', event, ...range }]
  }
  if (row.d_id === null) return []
  const trigger = text(row.cause) as Extract<Work, { kind: 'delivery' }>['trigger']
  return [
    {
      ...base,
      kind: 'delivery',
      event,
      delivery: deliveryOf(row, 'd_'),
      trigger,
      released: flag(row.released),
    },
  ]
}
