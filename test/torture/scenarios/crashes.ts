/** Tests 1, 4, 5, 9 and 10: workers that are killed, frozen and replaced, and servers that go away. */
import { pause } from '../../../src/cli/torture/fleet.ts'
import { cutPostgres, cuts, deploys, kills, restarts } from '../../../src/cli/torture/harms.ts'
import { type Received, readLedger } from '../../../src/cli/torture/ledger.ts'
import type { Harm, RunResult } from '../../../src/cli/torture/run.ts'
import { ledgers } from '../../../src/cli/torture/settings.ts'
import type { Kind, Scenario } from '../scenario.ts'
import { busiest } from './blocked.ts'
import { type Load, noServer, sum, underHarm } from './under-harm.ts'

/** What the contract names: a lease of 30 s and one poll. Reduced counts, with leases of 5 s on a busy machine, have as long. */
const RECOVERY_MS = 32_000

/** Slots of a worker, unless a load says otherwise. */
const SLOTS = 20
/** Some deliveries are tried twice, and some events are due later, so that what comes too early would be seen. */
const OFF_AND_ON = { failing: 0.02, delayed: 0.1 }

/** What three workers carry, one of which is killed every other second: behind a backlog it would be no fault of recovery that rows wait. */
const LOADS: Readonly<Record<Kind, Load & { readonly times: number }>> = {
  postgres: { workers: 3, events: 20_000, endpoints: 5, spreadMs: 180_000, timeoutMs: 15_000, times: 50 },
  mysql: { workers: 3, events: 8_000, endpoints: 5, spreadMs: 80_000, timeoutMs: 15_000, times: 20 },
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
    const harm = kills({ times, everyMs: bench.full ? 2_000 : 1_000 })
    return underHarm(bench, place, { ...load, ...OFF_AND_ON }, harm, (result) => {
      const { slowestReclaimMs, slowestOfFirstMs, duplicated, inFlight, reclaimed } = result
      const slots = times * SLOTS
      return [
        // The claim, as the list has it: what is lost a second time before it is sent cannot be sent again within one lease.
        ...(bench.full && slowestReclaimMs > RECOVERY_MS ? [`slowest claim ${slowestReclaimMs} ms`] : []),
        ...(slowestOfFirstMs > RECOVERY_MS
          ? [`slowest recovery of what was lost once ${slowestOfFirstMs} ms`]
          : []),
        ...(duplicated > sum(inFlight)
          ? [`duplicated ${duplicated}, although only ${sum(inFlight)} were in flight at kills`]
          : []),
        ...(bench.full && duplicated > slots ? [`duplicated ${duplicated}, more than ${slots} slots`] : []),
        ...(bench.full && reclaimed === 0 ? ['no killed worker had anything'] : []),
      ]
    })
  },
}

/** 120 deliveries a second, each answered after half a second: 20 in flight in each of three workers, and room for 20 more. */
const IN_FLIGHT = 20
const FROZEN = {
  ...{ workers: 3, endpoints: 3, timeoutMs: 5_000, concurrency: 2 * IN_FLIGHT },
  answerMs: [300, 700] as const,
}
const LEASE_MS = 2 * FROZEN.timeoutMs

/** SIGSTOP for two leases, of the worker that sends most at the time. */
function freezes(times: number): Harm {
  return async (fleet, _random, _opened, settings) => {
    const all = () => readLedger<Received>(ledgers(settings.folder).received)
    for (let done = 0; done < times; done++) {
      const before = done === 0 ? 0 : all().length
      while (all().length < before + BUSY) {
        if (fleet.said.produced) return
        await pause(200)
      }
      const worker = busiest(all().slice(-BUSY))
      if (worker !== undefined) await fleet.freeze(worker, 2 * LEASE_MS)
    }
  }
}
/** So many requests show who is busy. */
const BUSY = 100

export const freezeWorkers: Scenario = {
  number: 4,
  name: 'zombies (SIGSTOP)',
  kinds: ['postgres', 'mysql', 'sqlite'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const size = bench.full
      ? // As long as it takes: each freeze lasts two leases, and the next waits for requests.
        { events: 28_000, spreadMs: 700_000, times: 30 }
      : { events: 300, spreadMs: 7_500, times: 1 }
    const harm = freezes(size.times)
    return underHarm(bench, place, { ...FROZEN, ...OFF_AND_ON, ...size }, harm, (result) => {
      const { slowestRecoveryMs, inFlight, woken } = result
      const least = Math.min(...inFlight)
      return [
        ...(inFlight.length === size.times
          ? []
          : [`${inFlight.length} freezes of ${size.times}: all was published before`]),
        ...(bench.full && slowestRecoveryMs > LEASE_MS + 2_000
          ? [`slowest recovery ${slowestRecoveryMs} ms, with leases of ${LEASE_MS} ms`]
          : []),
        ...(bench.full && sum(inFlight) < (size.times * IN_FLIGHT) / 2
          ? [`only ${sum(inFlight)} requests were in flight at ${size.times} freezes`]
          : []),
        ...(least > 0 ? [] : ['a worker was frozen that had nothing in flight']),
        ...(woken.silent > 0 ? [`nothing was told of ${woken.silent} requests in flight at a freeze`] : []),
        ...(woken.late > 0 ? [] : ['no outcome was late, although workers slept for two leases']),
        // Not wrong by itself, unless the row had been claimed again, which all scenarios look for: on a busy machine nobody had.
        ...(bench.full && woken.applied > 0
          ? [`${woken.applied} outcomes of frozen workers were applied when they woke`]
          : []),
      ]
    })
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

/** Sent again so soon after the server takes connections. */
const AGAIN_MS = 5_000

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
    let againMs = 0
    const findings = await underHarm(bench, { url: server.url }, load, harm, (result) => {
      againMs = slowestAgain(result)
      return bench.full && againMs > AGAIN_MS ? [`requests were sent again after ${againMs} ms only`] : []
    })
    return { ...findings, figures: { ...findings.figures, 'sending again after ms': againMs } }
  },
}

/** Longest time from the end of a restart to the next request; where all had been sent by then there is none. */
function slowestAgain({ received, log }: RunResult): number {
  const waits = log.flatMap(({ kind, at }) => {
    const later = kind === 'mended' ? received.map((one) => one.at).filter((sentAt) => sentAt > at) : []
    return later.length === 0 ? [] : [later.reduce((first, one) => Math.min(first, one)) - at]
  })
  return Math.max(0, ...waits)
}

const CONNECTIONS = 5
/** A process asks each connection for its own number, at once: as many are told apart as the pool can still open. */
const WHO = 'select pg_backend_pid(), pg_sleep(0.3)'
/** The store wants a connection now and then, too. */
const ASKED_TIMES = 20

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
    let most = 0
    const pools: number[] = []
    const cut = cuts({ times: load.times, everyMs: bench.full ? 500 : 200 }, async (opened) => {
      const [row] = await opened.query(
        `select count(*)::int as n from pg_stat_activity where application_name = 'posthorn' and datname = current_database()`,
      )
      most = Math.max(most, Number(row?.n))
      await cutPostgres(opened)
    })
    const harm: Harm = async (fleet, ...rest) => {
      await cut(fleet, ...rest)
      for (const worker of fleet.workers) {
        let size = 0
        for (let time = 0; time < ASKED_TIMES && size < CONNECTIONS; time++) {
          const who = await fleet.ask(worker, WHO, CONNECTIONS)
          size = Math.max(size, new Set(who.filter((one) => one !== 'refused')).size)
        }
        pools.push(size)
      }
    }
    // Those of the workers, of the publishing process and of this one.
    const allowed = CONNECTIONS * (load.workers + 2)
    const findings = await underHarm(bench, { ...place, connections: CONNECTIONS }, load, harm, () => [
      ...(most > allowed ? [`${most} connections were open, where ${allowed} are allowed`] : []),
      ...(pools.length === load.workers && pools.every((size) => size === CONNECTIONS)
        ? []
        : [`after the cuts the pools of ${CONNECTIONS} had room for ${pools.join(', ')} connections`]),
    ])
    return {
      ...findings,
      figures: { ...findings.figures, 'connections at most': most, 'pools afterwards': pools.join(', ') },
    }
  },
}
