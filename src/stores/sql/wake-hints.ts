/**
 * Wake-up hints between processes (Postgres LISTEN/NOTIFY): optional, coalesced, never inside a transaction of the caller, whose
 * commit would take a lock that all notifying transactions share. Polling finds all work without them; a probe of its own
 * tells whether they arrive, since a pooler in transaction mode drops them in silence.
 */
import { systemClock, type Timer } from '../../clock.ts'
import { PosthornError } from '../../errors.ts'
import type { Database } from './executor.ts'

/** At most one notification in this time leaves a process. */
const GAP_MS = 50
const PROBE_EVERY_MS = 30_000
const ANSWER_WITHIN_MS = 5_000
const NOTIFY = 'select pg_notify($1, $2)'

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
  clock = systemClock,
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
  const tell = (): Promise<void> =>
    database.query(NOTIFY, [channel, '']).then(
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
    void tell()
  }

  return {
    notify,
    onWake(listener, warn = () => {}) {
      listeners.add(listener)
      connection ??= connect(database, channel, tell, () => wakeAll(listeners), warn, clock)
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
  tell: () => Promise<void>,
  wake: () => void,
  warn: (message: string) => void,
  clock: typeof systemClock,
): Connection {
  let ended = false
  let heard = false
  let warned = false
  let stop: (() => Promise<void>) | null = null
  let timer: Timer | null = null

  const later = (delayMs: number, work: () => Promise<void>): void => {
    if (!ended) timer = clock.setTimer(() => void work(), delayMs)
  }

  async function begin(): Promise<void> {
    try {
      const opened = await database.listen?.(channel, () => {
        heard = true
        if (!ended) wake()
      })
      stop = opened ?? null
      if (ended) return await leave()
      wake()
      await probe()
    } catch (error) {
      complain(error instanceof Error ? error.message : 'the connection failed')
      later(PROBE_EVERY_MS, begin)
    }
  }

  async function probe(): Promise<void> {
    heard = false
    await tell()
    later(ANSWER_WITHIN_MS, judge)
  }

  async function judge(): Promise<void> {
    if (heard) {
      warned = false
      return later(PROBE_EVERY_MS, probe)
    }
    await leave()
    complain('a notification of its own did not arrive; a pooler in transaction mode drops them')
    later(PROBE_EVERY_MS, begin)
  }

  function complain(why: string): void {
    if (warned || ended) return
    warned = true
    warn(
      `Posthorn hears no notifications of ${database.driver} (${why}). Work is still found by polling, within a second. ` +
        'Give the store a direct connection, or leave `listen` out.',
    )
  }

  async function leave(): Promise<void> {
    const leaving = stop
    stop = null
    await leaving?.().catch(() => {})
  }

  void begin()
  return {
    end() {
      ended = true
      timer?.cancel()
      void leave()
    },
  }
}
