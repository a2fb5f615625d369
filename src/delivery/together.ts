/** Concurrent publishes share a statement, and never an error: a refused batch is halved until the guilty event stands alone. */
import { PosthornError } from '../errors.ts'
import { takenId } from '../ids.ts'
import type { Appended } from '../queries.ts'
import type { EventRecord, NewEvent } from '../records.ts'
import type { Store } from '../store.ts'

interface Waiting {
  readonly event: NewEvent
  readonly resolve: (appended: Appended) => void
  readonly reject: (cause: unknown) => void
}

const MAX_BATCH = 500
const MAX_IN_FLIGHT = 2

/** Only for events whose ids were made by a generator. */
export function createTogether(
  store: Store<unknown>,
  append: (events: readonly NewEvent[]) => Promise<readonly Appended[]>,
): (event: NewEvent) => Promise<Appended> {
  let waiting: Waiting[] = []
  let inFlight = 0

  /** Joins the next shared statement. */
  function join(event: NewEvent): Promise<Appended> {
    return new Promise((resolve, reject) => {
      waiting.push({ event, resolve, reject })
      if (waiting.length === 1) queueMicrotask(flush)
    })
  }

  function flush(): void {
    while (waiting.length > 0 && inFlight < MAX_IN_FLIGHT) {
      const batch = waiting.slice(0, MAX_BATCH)
      waiting = waiting.slice(MAX_BATCH)
      inFlight += 1
      void appendHalving(batch).finally(() => {
        inFlight -= 1
        flush()
      })
    }
  }

  /**
   * A refused batch is halved until the guilty event stands alone: only its caller gets the error. What a lost answer had
   * stored is then found again, and is no duplicate; before that, an id that is there already was given twice. A store that is down has refused nobody in particular.
   */
  async function appendHalving(batch: readonly Waiting[], again = false): Promise<void> {
    try {
      const appended = await append(batch.map((entry) => entry.event))
      batch.forEach((entry, index) => {
        const own = appended[index]
        if (own === undefined) entry.reject(notTaken(store.name, undefined))
        else if (own.duplicate && !(again && isSame(own.event, entry.event))) entry.reject(takenId())
        else entry.resolve({ ...own, duplicate: false })
      })
    } catch (cause) {
      if (batch.length === 1 || (await isDown())) {
        for (const entry of batch) entry.reject(notTaken(store.name, cause))
        return
      }
      const middle = batch.length >> 1
      await appendHalving(batch.slice(0, middle), true)
      await appendHalving(batch.slice(middle), true)
    }
  }

  async function isDown(): Promise<boolean> {
    return store.now().then(
      () => false,
      () => true,
    )
  }

  return join
}

/** Nothing would be lost by taking the stored one for the new one. */
const isSame = (stored: EventRecord, event: NewEvent): boolean =>
  stored.type === event.type && stored.body === event.body && stored.occurredAt === event.occurredAt

/** What the caller of a publish gets when the store failed. */
export function notTaken(name: string, cause: unknown): PosthornError {
  if (cause instanceof PosthornError) return cause
  const why = cause instanceof Error ? cause.message : 'no cause given'
  const message = `The ${name} store did not take the event, so nothing was published: ${why}. Publish it again with the same id or idempotencyKey.`
  return new PosthornError('STORE_FAILED', message, { cause })
}
