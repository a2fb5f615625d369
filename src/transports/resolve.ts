/**
 * Resolves one name: over the wire for public names, so that a slow name server holds no thread of the process, and as
 * the system does it (hosts file, search domains) for names that only an operator's option can have let pass.
 */
import { type LookupAddress, Resolver, lookup as systemLookup } from 'node:dns'
import { LOCAL_NAMES } from '../guard/url-rules.ts'

/** Resolves a name to all its addresses; the shape of `dns.lookup` with `{ all: true }`. */
export type Lookup = (
  hostname: string,
  options: { all: true },
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void

/** Starts to resolve a name and calls back once; the returned function gives up. */
export type Resolve = (
  hostname: string,
  done: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => () => void

/** Codes with which DNS says that it does not know a name, or is not there at all: the hosts file may know it. */
const UNKNOWN = new Set(['ENOTFOUND', 'ENODATA', 'ECONNREFUSED'])
const TRY_MS = 2_000

const nothing = () => {}

/** A host's own look-up; it cannot be given up. */
export function resolveBy(lookup: Lookup): Resolve {
  return (hostname, done) => {
    lookup(hostname, { all: true }, (error, addresses) => done(error, error === null ? addresses : []))
    return nothing
  }
}

/** The default. `nameServers` take the place of those of the system. */
export function createResolve(nameServers?: readonly string[]): Resolve {
  const bySystem = resolveBy(systemLookup as Lookup)

  return (hostname, done) => {
    if (isLocal(hostname)) return bySystem(hostname, done)
    const resolver = new Resolver({ timeout: TRY_MS, tries: 2 })
    if (nameServers !== undefined) resolver.setServers(nameServers)
    const found: [LookupAddress[], LookupAddress[]] = [[], []]
    let first: NodeJS.ErrnoException | null = null
    let open = 2
    const one =
      (family: 4 | 6, place: 0 | 1) => (error: NodeJS.ErrnoException | null, answers?: string[]) => {
        first ??= error
        found[place] = (answers ?? []).map((address) => ({ address, family }))
        if (--open > 0) return
        const addresses = inTurn(...found)
        if (addresses.length > 0) done(null, addresses)
        else if (UNKNOWN.has(first?.code ?? '')) bySystem(hostname, done)
        else done(first, [])
      }
    resolver.resolve4(hostname, one(4, 0))
    resolver.resolve6(hostname, one(6, 1))
    return () => {
      resolver.cancel()
    }
  }
}

function isLocal(hostname: string): boolean {
  return !hostname.includes('.') || LOCAL_NAMES.includes(hostname.slice(hostname.lastIndexOf('.') + 1))
}

/** Both families in turn: a host without IPv6 loses no time, one that is reached over IPv6 alone is found. */
function inTurn(v4: LookupAddress[], v6: LookupAddress[]): LookupAddress[] {
  const length = Math.max(v4.length, v6.length)
  return Array.from({ length }, (_, n) => [v4[n], v6[n]])
    .flat()
    .filter((address) => address !== undefined)
}
