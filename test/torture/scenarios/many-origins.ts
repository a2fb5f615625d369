/** Test 45: thousands of receivers, one after the other, leave bounded connections, bounded origins and no memory behind. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { OriginsFound, OriginsSettings } from '../processes/origins.ts'
import type { Bench, Findings, Scenario } from '../scenario.ts'
import { startPart } from '../stage/stage.ts'

const MAX_BYTES_PER_ORIGIN = 1_024
/** `maxIdleConnections` where nobody sets it. */
const DEFAULT_IDLE = 3_072
const AT_ONCE = 128
/** What the list asks for: with those that are in flight. */
const MAX_ENTRIES = 512

export const manyOrigins: Scenario = {
  number: 45,
  name: 'many endpoints',
  // The store has no part in it.
  kinds: ['sqlite'],
  longMinutes: 4,
  async run(bench) {
    const byDefault = await over(bench, DEFAULT_IDLE)
    const small = await over(bench, MAX_ENTRIES - AT_ONCE)
    const named = (name: string, { figures }: Findings) =>
      Object.entries(figures).map(([figure, value]) => [`${name}: ${figure}`, value])
    return {
      problems: [...byDefault.problems, ...small.problems],
      figures: Object.fromEntries([...named('defaults', byDefault), ...named('512 entries', small)]),
    }
  },
}

/** One process, with so many idle connections at most; the default is not set but left. */
async function over(bench: Bench, maxIdle: number): Promise<Findings> {
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => response.writeHead(204).end())
  })
  server.listen({ host: '0.0.0.0', port: 0, backlog: 1_024 })
  await once(server, 'listening')
  bench.after(() => {
    server.closeAllConnections()
    server.close()
  })
  let sockets = 0
  let mostSockets = 0
  let requests = 0
  server.on('request', () => {
    requests += 1
  })
  server.on('connection', (socket) => {
    sockets += 1
    mostSockets = Math.max(mostSockets, sockets)
    socket.on('close', () => {
      sockets -= 1
    })
  })
  const { port } = server.address() as AddressInfo
  const [origins, rounds] = bench.full ? [10_000, 5] : [4_000, 2]
  const settings: OriginsSettings = {
    ...{ port, origins, rounds, atOnce: AT_ONCE },
    ...(maxIdle === DEFAULT_IDLE ? {} : { maxIdle }),
  }
  const part = startPart(bench, 'origins', { ORIGINS: JSON.stringify(settings) })
  const [found] = (await once(part, 'message')) as [OriginsFound]
  const cap = maxIdle + AT_ONCE
  const { failed, mostOpen, mostOrigins, left, bytesPerOrigin, keptPerOrigin } = found
  return {
    problems: [
      ...(failed === 0 ? [] : [`${failed} deliveries failed`]),
      ...(requests >= origins * rounds ? [] : [`only ${requests} requests arrived`]),
      ...(mostOpen <= cap ? [] : [`${mostOpen} connections were open, of ${cap}`]),
      ...(mostOrigins <= cap ? [] : [`${mostOrigins} origins were kept, of ${cap}`]),
      ...(left === 0 ? [] : [`${left} connections and origins are left`]),
      ...(bytesPerOrigin <= MAX_BYTES_PER_ORIGIN ? [] : [`${bytesPerOrigin} bytes of heap for each origin`]),
    ],
    figures: {
      ...{ deliveries: origins * rounds, 'most open': mostOpen, 'most origins': mostOrigins },
      ...{ 'sockets at the receiver': mostSockets, 'bytes for each origin': bytesPerOrigin },
      'bytes while kept': keptPerOrigin,
    },
  }
}
