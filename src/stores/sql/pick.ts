/**
 * Who is served by a claim: round the tenants in turn, within each subscription's share. Pure: it knows no database. The turns are
 * this process's own; other processes go round by theirs.
 */
import type { ClaimRequest } from '../../queries.ts'

/** A due row that may be claimed. */
export interface Candidate {
  readonly tenantId: string
  readonly eventId: string
  readonly id: number
  /** @see KIND */
  readonly kind: number
  /** Empty for what is no subscription's delivery. */
  readonly subscriptionId: string
  readonly dueAt: number
  readonly sequence: number
  /** Claims without an outcome so far. */
  readonly lostClaims: number
}

/** Remembers who was served when. */
export interface Turns {
  of(tenantId: string): number
  take(tenantId: string): void
}

const MANY = 10_000

/** Turns of the tenants that this process served last. */
export function createTurns(): Turns {
  const turns = new Map<string, number>()
  let turn = 0
  return {
    of: (tenantId) => turns.get(tenantId) ?? 0,
    take(tenantId) {
      turn += 1
      turns.delete(tenantId)
      turns.set(tenantId, turn)
      if (turns.size <= MANY) return
      for (const oldest of turns.keys()) {
        turns.delete(oldest)
        break
      }
    },
  }
}

/** How many rows of a lane a request may take. */
export function shareOf(subscriptionId: string, request: ClaimRequest): number {
  if (subscriptionId === '') return Number.POSITIVE_INFINITY
  return request.shares.get(subscriptionId) ?? request.perSubscription
}

/** Those to take, from rows in the order of their due times. */
export function pick(
  candidates: readonly Candidate[],
  request: ClaimRequest,
  turns: Turns,
): readonly Candidate[] {
  const queues = new Map<string, Candidate[]>()
  for (const row of candidates) {
    const queue = queues.get(row.tenantId)
    if (queue === undefined) queues.set(row.tenantId, [row])
    else queue.push(row)
  }
  const taken: Candidate[] = []
  const shares = new Map<string, number>()
  let lostOnce = request.lostOnce ?? Number.POSITIVE_INFINITY
  const takeOne = (tenantId: string, queue: Candidate[]): boolean => {
    for (let row = queue.shift(); row !== undefined; row = queue.shift()) {
      const lane = JSON.stringify([tenantId, row.subscriptionId])
      const share = shares.get(lane) ?? shareOf(row.subscriptionId, request)
      const isLost = row.lostClaims > 0
      if (share < 1 || (isLost && lostOnce < 1)) continue
      if (isLost) lostOnce -= 1
      shares.set(lane, share - 1)
      turns.take(tenantId)
      taken.push(row)
      return true
    }
    return false
  }
  const full = () => taken.length >= request.limit
  let left = [...queues].sort(([a], [b]) => turns.of(a) - turns.of(b))
  const goRound = (rounds: number) => {
    for (let round = 0; round < rounds && left.length > 0 && !full(); round += 1)
      left = left.filter(([tenantId, queue]) => !full() && takeOne(tenantId, queue))
  }
  goRound(request.perTenant)
  goRound(Number.POSITIVE_INFINITY)
  return taken
}
