/**
 * Resolves one name: over the wire for public names, so that a slow name server holds no thread of the process, and as
 * the system does it (hosts file, search domains) for names that an option opens to what lies inside.
 */
import { type LookupAddress, Resolver, lookup as systemLookup } from 'node:dns'
import { LOCAL_NAMES } from '../guard/url-rules.ts'
import { hasNodeSockets } from '../runtime.ts'
import { boundedCalls, type Done, type Lookup } from './bounded-calls.ts'
import { MAX_LOOKUPS, MAX_SYSTEM_LOOKUPS } from './limits.ts'

/** How to ask for a name. */
export interface Ask {
  /**
   * As the system does it, with its hosts file and search domains. Otherwise the name is asked for as it is: with search domains
   * `https://redis.prod/` would say whether there is such a service in a cluster.
   */
  readonly asSystem: boolean
  /** It had an answer before. */
  readonly answered: boolean
}

/** Starts to resolve a name and calls back once; the returned function gives up. */
export type Resolve = (hostname: string, ask: Ask, done: Done) => () => void

/** Codes with which DNS says that it does not know a name, or is not there at all: the hosts file may know it. */
const UNKNOWN = new Set(['ENOTFOUND', 'ENODATA', 'ECONNREFUSED'])
/** No name server answers where the resolver looks for one; the system may know another way. */
const NO_SERVER = 'ECONNREFUSED'
const TRY_MS = 2_000

/** A host's own look-up; it cannot be given up. */
export function resolveBy(lookup: Lookup): Resolve {
  const call = boundedCalls(lookup, MAX_LOOKUPS)
  return (hostname, { answered }, done) => call(hostname, answered, done)
}

/** What `createResolve` asks, for tests. */
export interface ResolveOptions {
  /** In place of those of the system. */
  readonly nameServers?: readonly string[] | undefined
  /** The system's look-up. */
  readonly system?: Lookup
}

/** The default. */
export function createResolve({
  nameServers,
  system = systemLookup as Lookup,
}: ResolveOptions = {}): Resolve {
  const bySystem = boundedCalls(system, MAX_SYSTEM_LOOKUPS)

  return (hostname, { asSystem, answered }, done) => {
    if (isLocal(hostname)) return bySystem(hostname, answered, done)
    const resolver = new Resolver({ timeout: TRY_MS, tries: 2 })
    if (nameServers !== undefined) resolver.setServers(nameServers)
    const found: [LookupAddress[], LookupAddress[]] = [[], []]
    let first: NodeJS.ErrnoException | null = null
    let open = 2
    let givenUp = false
    let giveUpSystem: (() => void) | undefined
    const one =
      (family: 4 | 6, place: 0 | 1) => (error: NodeJS.ErrnoException | null, answers?: string[]) => {
        first ??= error
        found[place] = (answers ?? []).map((address) => ({ address, family }))
        if (--open > 0 || givenUp) return
        const addresses = inTurn(...found)
        const code = first?.code ?? ''
        if (addresses.length > 0) done(null, addresses)
        else if (asSystem && UNKNOWN.has(code)) giveUpSystem = bySystem(hostname, answered, done)
        else if (code === NO_SERVER) giveUpSystem = bySystem(absolute(hostname), answered, done)
        else done(first, [])
      }
    resolver.resolve4(hostname, one(4, 0))
    resolver.resolve6(hostname, one(6, 1))
    return () => {
      givenUp = true
      resolver.cancel()
      giveUpSystem?.()
    }
  }
}

/**
 * For what will be looked up once more by `fetch`, as the system does it: all that the system says, and, for a name that no option
 * opens, all that DNS says of it as it stands. What DNS does not know is not asked of the system.
 */
export function resolveAsFetch({
  nameServers,
  system = systemLookup as Lookup,
}: ResolveOptions = {}): Resolve {
  // Bun and Deno have no resolver that can be given up: all their names go this way.
  const byDns = hasNodeSockets() ? createResolve({ nameServers, system }) : undefined
  const bySystem = boundedCalls(system, byDns === undefined ? MAX_LOOKUPS : MAX_SYSTEM_LOOKUPS)

  return (hostname, ask, done) => {
    if (byDns === undefined || ask.asSystem || isLocal(hostname))
      return bySystem(hostname, ask.answered, done)
    let giveUpSystem: (() => void) | undefined
    const giveUpDns = byDns(hostname, ask, (error, known) => {
      if (error !== null) return done(error, [])
      giveUpSystem = bySystem(hostname, ask.answered, (failure, addresses) =>
        done(failure, failure === null ? [...known, ...addresses] : []),
      )
    })
    return () => {
      giveUpDns()
      giveUpSystem?.()
    }
  }
}

function isLocal(hostname: string): boolean {
  return !hostname.includes('.') || LOCAL_NAMES.includes(hostname.slice(hostname.lastIndexOf('.') + 1))
}

/** With the dot at its end no resolver adds a search domain; glibc then leaves out the hosts file, too. */
const absolute = (hostname: string): string => `${hostname}.`

/** Both families in turn: a host without IPv6 loses no time, one that is reached over IPv6 alone is found. */
function inTurn(v4: LookupAddress[], v6: LookupAddress[]): LookupAddress[] {
  const length = Math.max(v4.length, v6.length)
  return Array.from({ length }, (_, n) => [v4[n], v6[n]])
    .flat()
    .filter((address) => address !== undefined)
}
