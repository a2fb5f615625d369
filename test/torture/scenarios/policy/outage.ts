/** Tests 43 and 44: all receivers are down and come back, or never do. */
import { setTimeout as pause } from 'node:timers/promises'
import { schedule } from '../../../../src/delivery/backoff.ts'
import { anyTenant } from '../../../../src/model.ts'
import type { Bench, Kind, Scenario } from '../../scenario.ts'
import { openStage, type Stage } from '../../stage/stage.ts'
import { countsOf, nonzero, repeatsOf, rowsOf } from '../../stage/verdict.ts'
import type { Arrival, Behaviour, SenderOptions } from '../../stage/words.ts'
import { noServer } from '../under-harm.ts'

const SENDERS = 3
const SLOTS = 100
const CAP = 10
/** Of a store's own pool. */
const POOL = 10
const MAX_SHARE = 0.05
const DUE_AGAIN_MS = 2_000

/** The three ways in which receivers are down. */
const DOWN: readonly Behaviour[] = [{ kind: 'answer', status: 500 }, { kind: 'reset' }, { kind: 'hang' }]

interface Size {
  /** Its double is the lease: what a crowded machine stores later than that is sent again. */
  readonly timeoutMs: number
  readonly endpoints: number
  readonly events: number
  readonly downMs: number
}

async function outage(
  bench: Bench,
  kind: Kind,
  { timeoutMs, endpoints, events, downMs }: Size,
  breaker: SenderOptions['breaker'],
) {
  const place = await bench.place(kind)
  if (place === null) return null
  const stage = await openStage(bench, place, endpoints)
  const all = Array.from({ length: endpoints }, (_, index) => index)
  for (const [way, behaviour] of DOWN.entries()) {
    await stage.behave(
      all.filter((index) => index % DOWN.length === way),
      behaviour,
    )
  }
  for (const index of all) await stage.subscribe(`tenant-${index}`, index)
  const options: SenderOptions = {
    ...{ timeoutMs, concurrency: SLOTS, concurrencyPerSubscription: CAP, disableAfter: false },
    retry: schedule(['2s', '5s', '10s', '30s', '60s', '60s', '60s', '60s', '2m', '2m', '4m', '8m']),
    ...(breaker === undefined ? {} : { breaker }),
  }
  const senders = await Promise.all(Array.from({ length: SENDERS }, () => stage.sender(options)))
  const watch = watchStore(stage)
  const owed: { id: string; endpoint: number }[] = []
  const begun = Date.now()
  for (let done = 0; done < events; ) {
    const count = Math.min(
      events - done,
      Math.ceil((events * Math.max(1, Date.now() - begun)) / downMs) - done,
    )
    const chosen = Array.from({ length: Math.max(0, count) }, (_, n) => (done + n) % endpoints)
    const ids = await stage.publish(chosen.map((index) => ({ tenantId: `tenant-${index}` })))
    owed.push(...ids.map((id, n) => ({ id, endpoint: chosen[n] ?? 0 })))
    done += chosen.length
    await pause(50)
  }
  await pause(Math.max(0, begun + downMs - Date.now()))
  const requestsWhileDown = (await stage.arrivals()).length
  await stage.behave('all', { kind: 'answer', answerMs: [5, 50] })
  const up = Date.now()
  const left = await stage.untilQuiet()
  const watched = await watch.end()
  const measured = await Promise.all(senders.map((sender) => sender.measure()))
  for (const sender of senders) await sender.end('SIGTERM')
  const arrivals = await stage.arrivals()
  const { duplicated, ...counts } = countsOf(arrivals, owed)
  const attempts = await attemptsOf(stage)
  const peakPerEndpoint = Math.max(...measured.flatMap(({ peakByUrl }) => Object.values(peakByUrl)))
  const peak = Math.max(...measured.map((one) => one.peak))
  return {
    problems: [
      ...nonzero({ ...counts, unexplained: unexplained(arrivals, attempts, timeoutMs), 'left over': left }),
      ...(peakPerEndpoint > CAP ? [`${peakPerEndpoint} requests at a time to one endpoint`] : []),
      ...(peak > SLOTS ? [`${peak} requests at a time in one process`] : []),
      ...(watched.connections > POOL * (SENDERS + 1) ? [`${watched.connections} connections`] : []),
    ],
    share: steepest(attempts, bench.full ? 1_000 : 100),
    duplicated,
    dueAgainMs: Math.max(0, watched.lateUntil - up),
    connections: watched.connections,
    requestsWhileDown,
    peakPerEndpoint,
    peak,
  }
}

/** Looks at the store until told to end: connections, and until when something had been due for too long. */
function watchStore(stage: Stage) {
  const { store, query } = stage.opened
  let over = false
  let connections = 0
  let lateUntil = 0
  const watching = (async () => {
    while (!over) {
      const [row] = await query(
        `select count(*) as n from pg_stat_activity where datname = current_database() and application_name = 'posthorn'`,
      )
      connections = Math.max(connections, Number(row?.n))
      const { oldestDueAt } = await store.backlog({ tenant: anyTenant })
      if (oldestDueAt !== null && (await store.now()) - oldestDueAt >= DUE_AGAIN_MS) lateUntil = Date.now()
      await pause(200)
    }
  })()
  return {
    async end() {
      over = true
      await watching
      return { connections, lateUntil }
    },
  }
}

type Attempts = Awaited<ReturnType<typeof attemptsOf>>

async function attemptsOf({ opened: { store } }: Stage) {
  const attempts = []
  const rows = rowsOf((page) => store.listAttempts({ tenant: anyTenant }, page))
  for await (const { eventId, number, trigger, startedAt, mayHaveBeenReceived } of rows)
    attempts.push({ eventId, number, trigger, startedAt, mayHaveBeenReceived })
  return attempts
}

/** Repeated although the sender had not given up waiting for the answer. */
function unexplained(arrivals: readonly Arrival[], attempts: Attempts, timeoutMs: number): number {
  const unsure = attempts.filter(({ mayHaveBeenReceived }) => mayHaveBeenReceived)
  return repeatsOf(arrivals).filter(
    ({ one }) =>
      !unsure.some(
        ({ eventId, startedAt }) => eventId === one.id && Math.abs(startedAt - one.at) <= 2 * timeoutMs,
      ),
  ).length
}

/** The largest share of the retries of one step that fell into one second; of steps with enough of them. */
function steepest(attempts: Attempts, enough: number): number {
  const steps = new Map<number, Map<number, number>>()
  for (const { number, trigger, startedAt } of attempts) {
    if (trigger !== 'retry') continue
    const seconds = steps.get(number) ?? new Map<number, number>()
    steps.set(number, seconds)
    const second = Math.floor(startedAt / 1_000)
    seconds.set(second, (seconds.get(second) ?? 0) + 1)
  }
  const shares = [...steps.values()].map((seconds) => {
    const total = [...seconds.values()].reduce((sum, count) => sum + count, 0)
    return total < enough ? 0 : Math.max(...seconds.values()) / total
  })
  return Math.round(1_000 * Math.max(0, ...shares)) / 1_000
}

export const outageAndReturn: Scenario = {
  number: 43,
  name: 'an outage of all, and the return',
  kinds: ['postgres'],
  async run(bench, kind) {
    const size = bench.full
      ? { timeoutMs: 1_000, endpoints: 500, events: 50_000, downMs: 60_000 }
      : { timeoutMs: 2_000, endpoints: 30, events: 300, downMs: 3_000 }
    const short = bench.full ? {} : { spanMs: 1_000 }
    const on = { firstProbeMs: 2_000, maxProbeMs: 10_000, ...short }
    const problems: string[] = []
    const figures: Record<string, number> = { events: size.events }
    for (const [name, breaker] of Object.entries({ 'breaker off': false, 'breaker on': on } as const)) {
      const seen = await outage(bench, kind, size, breaker)
      if (seen === null) return noServer(kind)
      const slow = seen.share > MAX_SHARE ? [`${seen.share} of the retries of one step in one second`] : []
      problems.push(
        ...[...seen.problems, ...(bench.full ? slow : [])].map((problem) => `${name}: ${problem}`),
      )
      Object.assign(figures, {
        [`${name}: steepest second`]: seen.share,
        [`${name}: s until due < 2 s`]: Math.round(seen.dueAgainMs / 1_000),
        [`${name}: requests while down`]: seen.requestsWhileDown,
        [`${name}: peak of an endpoint in a process`]: seen.peakPerEndpoint,
        [`${name}: connections`]: seen.connections,
        [`${name}: duplicated`]: seen.duplicated,
      })
    }
    return { problems, figures }
  },
}
