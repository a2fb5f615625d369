/**
 * Records outcomes in batches: what a few turns of the event loop brought, and what came while the batch before it was
 * being stored, so that a busy worker makes few statements and an idle one waits for nothing. The request has happened by
 * now, so an outage of the store is waited for, however long: an outcome that is given up is a request that is repeated. A batch that
 * is refused is halved until the guilty row stands alone.
 */
import pRetry, { type RetryContext } from 'p-retry'
import { nextTurn } from '../clock.ts'
import { isPosthornError, PosthornError } from '../errors.ts'
import { insteadOfTaken } from '../ids.ts'
import type { Parts } from '../parts.ts'
import type { Outcome, Recorded } from '../queries.ts'
import { withLostAnswer } from './lost-answer.ts'
import { LEASE_OF_TRIES, patience } from './patience.ts'
import type { TaskGroup } from './task.ts'

const MAX_BATCH = 500
/** A batch gathers until so many turns have brought nothing: an idle loop turns in microseconds, a busy one in milliseconds. */
const QUIET_TURNS = 4
/** … or until it is worth a transaction, or it has gathered for so long. */
const ENOUGH = 128
const OLD_MS = 10
/** Tries of a batch that the store refuses although it answers; then it is halved. */
const REFUSALS = 3

interface Entry {
  readonly outcome: Outcome
  /** Whose open task it ends; null for an outcome without a task. */
  readonly group: TaskGroup | null
  /** Its delivery has an id of our own now, in place of one that was taken. */
  readonly isRenamed?: true
  readonly resolve: (recorded: Recorded | null) => void
}

/** What takes outcomes. */
export interface Recorder {
  /**
   * Resolves when it is stored; with null when the store refused it for good (the lease then brings it back). `group`: it is what
   * came of an open task of this group, so that the claim may be finished along with the last of them. `awaited`: others wait for
   * it (an order, a slot), so its batch gathers no longer than a turn.
   */
  record(outcome: Outcome, group: TaskGroup | null, awaited: boolean): Promise<Recorded | null>
  /** Resolves when nothing is left to store. */
  idle(): Promise<void>
}

/** `mayWait`: whether an outage may be waited for to its end, and not only for as long as a lease. */
export function createRecorder(parts: Parts, mayWait: () => boolean = () => false): Recorder {
  let gathered: Entry[] = []
  let running: Promise<void> | null = null
  let isAwaited = false

  async function run(): Promise<void> {
    while (gathered.length > 0) {
      await gather()
      isAwaited = gathered.length > MAX_BATCH && isAwaited
      const batch = gathered.slice(0, MAX_BATCH)
      gathered = gathered.slice(MAX_BATCH)
      await store(batch)
    }
    running = null
  }

  async function gather(): Promise<void> {
    const begun = parts.clock.monotonic()
    let quiet = 0
    do {
      const before = gathered.length
      await new Promise<void>(nextTurn)
      quiet = gathered.length === before ? quiet + 1 : 0
    } while (
      !isAwaited &&
      quiet < QUIET_TURNS &&
      gathered.length < ENOUGH &&
      parts.clock.monotonic() - begun < OLD_MS
    )
  }

  /** A store that does not answer at all is waited for; one that does has refused the batch. */
  async function isDown(): Promise<boolean> {
    return parts.store.now().then(
      () => false,
      () => true,
    )
  }

  /** `unsure`: a try before this one has failed, and may have stored them all the same. */
  async function store(batch: readonly Entry[], unsure = false): Promise<void> {
    const outcomes = withLast(batch)
    let lost = unsure
    const tell = async () => {
      try {
        const recorded = await parts.store.record(outcomes)
        return lost ? recorded.map((one, at) => lostAnswer(outcomes[at], one)) : recorded
      } catch (cause) {
        lost = true
        throw cause
      }
    }
    let isOutage = false
    /** Since the end of the last outage. */
    let refusals = 0
    const goesOn = async ({ attemptNumber, error }: RetryContext): Promise<boolean> => {
      isOutage = takesNoWrites(error) || (attemptNumber >= REFUSALS && (await isDown()))
      refusals = isOutage ? 0 : refusals + 1
      if (isOutage) return mayWait() || attemptNumber <= LEASE_OF_TRIES
      return refusals <= (batch.length === 1 && isLost(error) ? LEASE_OF_TRIES : REFUSALS - 1)
    }
    const waiting = patience(parts, goesOn, Number.POSITIVE_INFINITY)
    try {
      settle(batch, await pRetry(tell, waiting))
    } catch (cause) {
      if (isOutage) return giveUp(batch, cause)
      if (batch.length === 1) return alone(batch, cause)
      const middle = batch.length >> 1
      await store(batch.slice(0, middle), true)
      await store(batch.slice(middle), true)
    }
  }

  async function alone(batch: readonly Entry[], cause: unknown): Promise<void> {
    const bare = batch.map(({ outcome }) =>
      outcome.attempt === null ? outcome : { ...outcome, attempt: { ...outcome.attempt, excerpt: null } },
    )
    try {
      const recorded = await parts.store.record(bare)
      settle(
        batch,
        recorded.map((one, at) => lostAnswer(bare[at], one)),
      )
    } catch {
      giveUp(batch, cause)
    }
  }

  function giveUp(batch: readonly Entry[], cause: unknown): void {
    const message = `The ${parts.store.name} store did not take an outcome; its lease will bring the delivery back.`
    parts.report.problem('record', new PosthornError('STORE_FAILED', message, { cause }))
    for (const entry of batch) entry.resolve(null)
  }

  function settle(batch: readonly Entry[], recorded: readonly Recorded[]): void {
    batch.forEach((entry, index) => {
      const one = recorded[index] ?? null
      if (one?.result === 'taken') rename(entry)
      else entry.resolve(one)
    })
  }

  /** The same outcome once more, for a delivery of an id that is free. */
  function rename(entry: Entry): void {
    const { delivery } = entry.outcome
    if (entry.isRenamed === true) {
      giveUp([entry], new Error(`It calls an id of ours taken: ${delivery.id}.`))
      return
    }
    const { id, problem } = insteadOfTaken(delivery.id)
    parts.report.problem('ids', problem)
    gathered.push({
      ...entry,
      outcome: { ...entry.outcome, delivery: { ...delivery, id } },
      isRenamed: true,
    })
  }

  return {
    record(outcome, group, awaited) {
      return new Promise((resolve) => {
        gathered.push({ outcome, group, resolve })
        isAwaited ||= awaited
        running ??= run()
      })
    },
    async idle() {
      while (running !== null) await running
    },
  }
}

const lostAnswer = (outcome: Outcome | undefined, recorded: Recorded): Recorded =>
  outcome === undefined ? recorded : withLostAnswer(outcome, recorded)

/** A store that answers questions may take no writes: its disk is full, or it is the replica of another. */
const takesNoWrites = (error: Error): boolean =>
  isPosthornError(error, 'STORE_FULL') || (isPosthornError(error, 'STORE_FAILED') && !error.outcomeUnknown)

/** A connection that is lost is waited for with one outcome only: a larger batch may be what it is lost of. */
const isLost = (error: Error): boolean => isPosthornError(error, 'STORE_FAILED') && error.outcomeUnknown

/** Marks the last outcome of each claimed event whose open tasks all end in this batch. */
function withLast(batch: readonly Entry[]): readonly Outcome[] {
  const left = new Map<TaskGroup, number>()
  for (const { group } of batch) if (group !== null) left.set(group, (left.get(group) ?? group.open) - 1)
  const outcomes = batch.map(({ outcome }) => outcome)
  for (let at = batch.length - 1; left.size > 0 && at >= 0; at -= 1) {
    const { group = null, outcome } = batch[at] ?? {}
    if (group === null || outcome === undefined) continue
    if (left.get(group) === 0 && endsWell(group)) outcomes[at] = { ...outcome, last: true }
    left.delete(group)
  }
  return outcomes
}

/** An event of which nothing was left unsent and nothing was refused. */
const endsWell = ({ work, unfinished, abandoned }: TaskGroup): boolean =>
  work.kind === 'event' && !unfinished && !abandoned
