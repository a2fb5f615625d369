/**
 * Runs look-ups that cannot be given up: the system's (each holds one of libuv's four threads) and those of a host's own function.
 * A place is free only when its call has really ended, and no name is asked for twice at once.
 */
import type { LookupAddress } from 'node:dns'
import { isThenable } from '../input/thenable.ts'

/** Resolves a name to all its addresses; the shape of `dns.lookup` with `{ all: true }`. */
export type Lookup = (
  hostname: string,
  options: { all: true },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void

/** Told once what became of a look-up. */
export type Done = (error: Error | null, addresses: readonly LookupAddress[]) => void

/**
 * Asks for a name. With `answered` it is known to have had an answer before. The returned function gives up waiting; the call
 * itself runs on where it has begun.
 */
export type BoundedCalls = (hostname: string, answered: boolean, done: Done) => () => void

interface Call {
  readonly hostname: string
  readonly answered: boolean
  readonly waiting: Set<Done>
  running: boolean
}

/**
 * At most `atOnce` calls. Names that never had an answer get half of the places: while all of them hang, those that had one
 * still have the other half.
 */
export function boundedCalls(lookup: Lookup, atOnce: number): BoundedCalls {
  const calls = new Map<string, Call>()
  const answeredQueue = new Set<Call>()
  const newQueue = new Set<Call>()
  const maxNew = Math.max(1, atOnce >> 1)
  let running = 0
  let runningNew = 0

  function pump(): void {
    while (running < atOnce) {
      const [next] = newQueue.size > 0 && runningNew < maxNew ? newQueue : answeredQueue
      if (next === undefined) return
      start(next)
    }
  }

  function start(call: Call): void {
    const { hostname, answered, waiting } = call
    queueOf(call).delete(call)
    call.running = true
    running++
    if (!answered) runningNew++
    const end = (error: Error | null, addresses: unknown) => {
      if (!call.running) return
      call.running = false
      running--
      if (!answered) runningNew--
      calls.delete(hostname)
      const found = error === null || error === undefined ? addressesIn(addresses) : []
      const failure = found === null || error ? errorOf(error) : null
      for (const done of [...waiting]) done(failure, found ?? [])
      pump()
    }
    const fail = (cause: unknown) => end(cause instanceof Error ? cause : new Error('The look-up threw.'), [])
    try {
      const returned: unknown = lookup(hostname, { all: true }, end)
      if (isThenable(returned)) Promise.resolve(returned).catch(fail)
    } catch (cause) {
      fail(cause)
    }
  }

  const queueOf = ({ answered }: Call): Set<Call> => (answered ? answeredQueue : newQueue)

  return (hostname, answered, done) => {
    const call = calls.get(hostname) ?? { hostname, answered, waiting: new Set<Done>(), running: false }
    call.waiting.add(done)
    if (!calls.has(hostname)) {
      calls.set(hostname, call)
      queueOf(call).add(call)
      pump()
    }
    return () => {
      call.waiting.delete(done)
      if (call.running || call.waiting.size > 0 || calls.get(hostname) !== call) return
      queueOf(call).delete(call)
      calls.delete(hostname)
    }
  }
}

const errorOf = (error: unknown): Error =>
  error instanceof Error
    ? error
    : new Error('The look-up did not call back with an Error, or null and a list of { address, family }.')

/** What a host's own function calls back with may be anything; null: no list of addresses. */
function addressesIn(found: unknown): readonly LookupAddress[] | null {
  const isAddress = (one: unknown) => typeof Object(one).address === 'string'
  return Array.isArray(found) && found.every(isAddress) ? found : null
}
