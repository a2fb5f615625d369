/** Tests 1, 4, 5, 9 and 10: workers that are killed, frozen and replaced, and servers that go away. */
import { cutPostgres, cuts, deploys, kills, restarts, zombies } from '../../../src/cli/torture/harms.ts'
import type { Kind, Scenario } from '../scenario.ts'
import { type Load, noServer, underHarm } from './under-harm.ts'

/** What the contract names: a lease of 30 s and one poll. */
const RECOVERY_MS = 32_000

const LOADS: Readonly<Record<Kind, Load & { readonly times: number }>> = {
  postgres: { workers: 3, events: 20_000, endpoints: 5, spreadMs: 110_000, timeoutMs: 15_000, times: 50 },
  mysql: { workers: 3, events: 8_000, endpoints: 5, spreadMs: 50_000, timeoutMs: 15_000, times: 20 },
  sqlite: { workers: 2, events: 4_000, endpoints: 5, spreadMs: 50_000, timeoutMs: 15_000, times: 20 },
}
const SHORT: Readonly<Record<Kind, Load & { readonly times: number }>> = {
  postgres: { workers: 3, events: 1_000, endpoints: 5, spreadMs: 6_000, timeoutMs: 2_500, times: 5 },
  mysql: { workers: 2, events: 200, endpoints: 3, spreadMs: 3_000, timeoutMs: 2_500, times: 2 },
  sqlite: { workers: 2, events: 300, endpoints: 3, spreadMs: 4_000, timeoutMs: 2_500, times: 3 },
}

export const killWorkers: Scenario = {
  number: 1,
  name: 'kill -9',
  kinds: ['postgres', 'mysql', 'sqlite'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const { times, ...load } = bench.full ? LOADS[kind] : SHORT[kind]
    const limitMs = bench.full ? RECOVERY_MS : 20_000
    return underHarm(bench, place, load, kills({ times, everyMs: bench.full ? 2_000 : 1_000 }), (result) =>
      result.slowestRecoveryMs > limitMs ? [`slowest recovery ${result.slowestRecoveryMs} ms`] : [],
    )
  },
}

export const freezeWorkers: Scenario = {
  number: 4,
  name: 'zombies (SIGSTOP)',
  kinds: ['postgres', 'mysql', 'sqlite'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const load = { workers: 3, endpoints: 3, timeoutMs: 2_500, answerMs: [100, 400] as const }
    const frozenMs = 3 * load.timeoutMs
    const size = bench.full
      ? { events: 12_000, spreadMs: 220_000, times: 30 }
      : { events: 200, spreadMs: 7_000, times: 1 }
    return underHarm(
      bench,
      place,
      { ...load, ...size },
      zombies({ times: size.times, everyMs: 1_000, frozenMs }),
    )
  },
}

const STOP_MS = 9_000

export const rollingDeploys: Scenario = {
  number: 5,
  name: 'rolling deploys',
  kinds: ['postgres', 'sqlite'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const load = bench.full
      ? { workers: 3, events: 12_000, endpoints: 5, spreadMs: 150_000, timeoutMs: 15_000, times: 100 }
      : {
          workers: 3,
          events: 400,
          endpoints: 4,
          spreadMs: 5_000,
          timeoutMs: 5_000,
          times: kind === 'sqlite' ? 2 : 6,
        }
    return underHarm(
      bench,
      place,
      load,
      deploys({ times: load.times, everyMs: bench.full ? 1_000 : 400 }),
      (result) => [
        ...(result.duplicated > 0
          ? [`duplicated ${result.duplicated}, although every stop was planned`]
          : []),
        ...(result.slowestStopMs > STOP_MS ? [`a stop took ${result.slowestStopMs} ms`] : []),
      ],
    )
  },
}

export const restartServer: Scenario = {
  number: 9,
  name: 'server restart -m immediate',
  kinds: ['postgres'],
  async run(bench) {
    const server = await bench.ownPostgres()
    const load = bench.full
      ? { workers: 3, events: 10_000, endpoints: 5, spreadMs: 150_000, timeoutMs: 15_000, times: 20 }
      : { workers: 2, events: 300, endpoints: 3, spreadMs: 5_000, timeoutMs: 2_500, times: 2 }
    const harm = restarts({ times: load.times, everyMs: bench.full ? 5_000 : 1_000 }, () => server.restart())
    return underHarm(bench, { url: server.url }, load, harm)
  },
}

export const cutConnections: Scenario = {
  number: 10,
  name: 'pg_terminate_backend',
  kinds: ['postgres'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const load = bench.full
      ? { workers: 3, events: 10_000, endpoints: 5, spreadMs: 120_000, timeoutMs: 15_000, times: 200 }
      : { workers: 2, events: 400, endpoints: 3, spreadMs: 5_000, timeoutMs: 2_500, times: 20 }
    return underHarm(
      bench,
      place,
      load,
      cuts({ times: load.times, everyMs: bench.full ? 500 : 200 }, cutPostgres),
    )
  },
}
