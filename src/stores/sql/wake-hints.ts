/**
 * Wake-up hints between processes (Postgres LISTEN/NOTIFY): optional, coalesced, never inside a transaction of the caller, whose
 * commit would take a lock that all notifying transactions share. Polling finds all work without them; where it was silent for a
 * while a probe tells whether they arrive, since a pooler in transaction mode drops them in silence, and a connection can be lost
 * without a word. A probe wakes nobody, and it proves the hearing of all who hear it.
 */
import { type Clock, type Random, systemClock, systemRandom, type Timer } from '../../clock.ts'
import { PosthornError } from '../../errors.ts'
import type { Database } from './executor.ts'

/** At most one notification in this time leaves a process. */
const GAP_MS = 50
/**
 * After so long without a notification, or half of it, it asks whether it still hears, or, where it never did, listens anew. All
 * have heard the last one at the same moment: who asks first answers for the others.
 */
const SILENCE_MS = 10_000
const ANSWER_WITHIN_MS = 5_000
/** Pause after it could not listen, or half of it. */
const AGAIN_MS = 5_000
const NOTIFY = 'select pg_notify($1, $2)'
/** What notifications say. */
const HINT = ''
const PROBE = 'probe'

/** Hints of one store. */
export interface WakeHints {
  /** Something has become due: tells the other processes soon. */
  notify(): void
  /** @see Store.onWake */
  onWake(listener: () => void, warn?: (message: string) => void): () => void
  close(): void
}

/** @throws PosthornError `INVALID_OPTION` where the client cannot listen */
export function createWakeHints(
  database: Database<unknown>,
  channel: string,
  clock: Clock = systemClock,
  random: Random = systemRandom,
): WakeHints {
  if (database.listen === undefined) {
    throw new PosthornError(
      'INVALID_OPTION',
      `listen: ${database.driver} cannot listen. It takes a pg Pool, the \`sql\` of postgres.js or a PGlite; without it work is found by polling.`,
      { path: 'listen' },
    )
  }
  database.checkListen?.()
  const listeners = new Set<() => void>()
  let gap: Timer | null = null
  let again = false
  let connection: Connection | null = null

  /** A lost notification costs a poll, nothing more. */
  const tell = (what: typeof HINT | typeof PROBE): Promise<void> =>
    database.query(NOTIFY, [channel, what]).then(
      () => {},
      () => {},
    )

  function notify(): void {
    if (gap !== null) {
      again = true
      return
    }
    gap = clock.setTimer(() => {
      gap = null
      if (again) notify()
    }, GAP_MS)
    again = false
    void tell(HINT)
  }

  return {
    notify,
    onWake(listener, warn = () => {}) {
      listeners.add(listener)
      const probe = () => void tell(PROBE)
      connection ??= connect(database, channel, probe, () => wakeAll(listeners), warn, { clock, random })
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        connection?.end()
        connection = null
      }
    },
    close() {
      gap?.cancel()
      gap = null
      connection?.end()
      connection = null
    },
  }
}

function wakeAll(listeners: ReadonlySet<() => void>): void {
  for (const listener of listeners) listener()
}

interface Connection {
  end(): void
}

/** Listens, proves that it hears, and listens anew when the connection was lost. Warns once, while nothing is heard. */
function connect(
  database: Database<unknown>,
  channel: string,
  tellProbe: () => void,
  wake: () => void,
  warn: (message: string) => void,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Connection {
  let ended = false
  let warned = false
  let stop: (() => Promise<void>) | null = null
  let timer: Timer | null = null

  const jittered = (longestMs: number): number => longestMs * (0.5 + random() / 2)

  const later = (delayMs: number, work: () => void): void => {
    if (!ended) timer = clock.setTimer(work, delayMs)
  }

  async function begin(): Promise<void> {
    const line: Line = { heardAt: null }
    try {
      const opened = await database.listen?.(channel, (payload) => {
        line.heardAt = clock.monotonic()
        warned = false
        if (!ended && payload !== PROBE) wake()
      })
      stop = opened ?? null
      if (ended) return leave()
      wake()
      probe(line)
    } catch (error) {
      complain(error instanceof Error ? error.message : 'the connection failed')
      later(jittered(AGAIN_MS), () => void begin())
    }
  }

  /** Its answer is waited for even where the notification itself hangs: that takes another connection. */
  function probe(line: Line): void {
    const askedAt = clock.monotonic()
    tellProbe()
    later(ANSWER_WITHIN_MS, () => {
      if (line.heardAt !== null && line.heardAt >= askedAt) attend(line, line.heardAt)
      else giveUp(line)
    })
  }

  /** Until it was silent for long. */
  function attend(line: Line, heardAt: number): void {
    later(Math.max(0, heardAt + jittered(SILENCE_MS) - clock.monotonic()), () => {
      if (line.heardAt === null || line.heardAt === heardAt) probe(line)
      else attend(line, line.heardAt)
    })
  }

  /** One that has heard before was lost, so another one is opened at once; where nothing was ever heard that would not help. */
  function giveUp({ heardAt }: Line): void {
    leave()
    if (heardAt !== null) return void begin()
    complain('a notification of its own did not arrive; a pooler in transaction mode drops them')
    later(jittered(SILENCE_MS), () => void begin())
  }

  function complain(why: string): void {
    if (warned || ended) return
    warned = true
    warn(
      `Posthorn hears no notifications of ${database.driver} (${why}). Work is still found by polling, within a second. ` +
        'Give the store a direct connection, or leave `listen` out.',
    )
  }

  function leave(): void {
    stop?.().catch(() => {})
    stop = null
  }

  void begin()
  return {
    end() {
      ended = true
      timer?.cancel()
      leave()
    },
  }
}

/** What is known of a connection that listens. */
interface Line {
  /** When it last heard anything, by the monotonic clock. */
  heardAt: number | null
}
