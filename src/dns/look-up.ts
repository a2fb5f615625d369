/** Look-ups as promises, for what has no transport around it: a guard that stands alone, and what goes through a `fetch`. */
import { type Clock, systemClock } from '../clock.ts'
import { hasNodeSockets } from '../runtime.ts'
import { createLookups } from './lookups.ts'
import { createResolve, type Resolve, resolveAsFetch } from './resolve.ts'

/** Finds all addresses of a name, or rejects; `asSystem` with hosts file and search domains. */
export type LookUp = (hostname: string, asSystem: boolean, signal?: AbortSignal) => Promise<readonly string[]>

const KEEP_MS = 5_000
const TIMEOUT_MS = 5_000
/** With the time in the queue. */
const MAX_WAIT_MS = 15_000

// Bun and Deno have no resolver that can be given up.
const resolveHere = () => (hasNodeSockets() ? createResolve() : resolveAsFetch())

/** Makes look-ups with limits and a memory of their own, as those of a transport. */
export function createLookUp(resolve: Resolve = resolveHere(), clock: Clock = systemClock): LookUp {
  const lookups = createLookups({ clock, resolve, timeoutMs: TIMEOUT_MS, keepMs: KEEP_MS })
  return (hostname, asSystem, signal) =>
    new Promise((resolved, reject) => {
      let giveUp: (() => void) | undefined
      const end = () => {
        timer.cancel()
        signal?.removeEventListener('abort', stop)
        giveUp?.()
      }
      const stop = () => {
        end()
        reject(Object.assign(new Error('The look-up took too long.'), { code: 'ETIMEOUT' }))
      }
      const timer = clock.setTimer(stop, MAX_WAIT_MS)
      signal?.addEventListener('abort', stop)
      giveUp = lookups.find(hostname, asSystem, (error, addresses) => {
        end()
        if (error === null) resolved(addresses.map(({ address }) => address))
        else reject(error)
      })
    })
}
