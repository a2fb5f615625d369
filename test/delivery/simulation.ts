/**
 * A whole installation in one process, driven by one seed: several workers over one store, a network that loses requests
 * and answers or brings them twice, a store that fails before or after the work is done or does it twice, workers that die with
 * everything they held and whose wall clocks jump. Time is the manual clock's, so that a run is the same every time.
 */
import { createHash } from 'node:crypto'
import { createWebhooks, schedule } from '../../src/index.ts'
import { anyTenant } from '../../src/model.ts'
import type { Store } from '../../src/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import type { Transport, TransportRequest, TransportResult } from '../../src/transport.ts'
import { quietLogger } from '../support/setup.ts'
import { type Arrival, lostOrChanged, misnumbered } from './simulation-judge.ts'

const TIMEOUT_MS = 1_000
const ENDPOINTS = ['alpha', 'beta', 'gamma'] as const
const WORKERS = 2
const NEVER = new Promise<never>(() => {})

/** What a second time may do no harm: each names what it is about by an id or a token. */
const REPEATED = new Set<keyof Store>(['append', 'record', 'finish', 'handBack'])
/** A wall clock that is set by hand, by a daemon, or by a machine that slept. */
const CLOCK_STEPS_MS = [60_000, 3_600_000, 86_400_000] as const

const draw = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** What a run came to. */
export interface Simulated {
  /** What went wrong: nothing, it is hoped. */
  readonly wrong: readonly string[]
  readonly acknowledged: number
  readonly arrivals: number
  readonly deaths: number
  readonly storeFailures: number
  /** Attempts that were recorded after their claim was lost. */
  readonly late: number
  /** Statements and requests that were brought twice. */
  readonly repeated: number
  readonly clockSteps: number
}

/** Runs `steps` steps of `seed`, and lets everything come to rest. */
export async function simulate(seed: number, steps: number): Promise<Simulated> {
  const random = draw(seed)
  const chance = (share: number) => random() < share
  const clock = manualClock()
  const right = memoryStore({ clock })
  const arrivals: Arrival[] = []
  const problems: string[] = []
  const acknowledged = new Set<string>()
  const invoked = new Set<string>()
  const ended = new Map<string, string>()
  let calm = false
  let serial = 0
  let deaths = 0
  let storeFailures = 0
  let repeated = 0
  let clockSteps = 0

  function fail(when: string): never {
    storeFailures += 1
    throw new Error(`the connection was lost ${when} the statement`)
  }

  const wait = (ms: number) => new Promise<void>((resolve) => void clock.setTimer(resolve, ms))

  /** The store as one worker sees it until it dies. */
  function through(life: { dead: boolean }): Store<never> {
    return new Proxy(right, {
      get(target, name: keyof Store) {
        const operate = target[name]
        if (typeof operate !== 'function' || name === 'onWake' || name === 'open') return operate
        return async (...given: unknown[]) => {
          if (life.dead) return NEVER
          if (!calm && chance(0.01)) fail('before')
          if (!calm && chance(0.01)) await wait(random() * 3 * TIMEOUT_MS)
          const run = operate as (...all: unknown[]) => unknown
          const answer: unknown = await run.apply(target, given)
          if (!calm && REPEATED.has(name) && chance(0.03)) {
            repeated += 1
            await run.apply(target, given)
          }
          if (life.dead) return NEVER
          if (!calm && chance(0.01)) fail('after')
          return answer
        }
      },
    }) as unknown as Store<never>
  }

  function network(life: { dead: boolean }): Transport {
    const failure = (
      code: 'reset' | 'timeout' | 'connect',
      mayHaveBeenReceived: boolean,
    ): TransportResult => {
      const timing = { firstByteMs: null, totalMs: 1 }
      return { kind: 'failure', code, message: `It was ${code}.`, mayHaveBeenReceived, timing }
    }
    const arrive = (request: TransportRequest, answered: boolean) => {
      const digest = createHash('sha256').update(request.body).digest('hex')
      const endpoint = new URL(request.url).pathname.slice(1)
      const signedAt = Number(request.headers['webhook-timestamp']) * 1_000
      const id = request.headers['webhook-id'] ?? ''
      arrivals.push({ id, endpoint, digest, at: clock.now(), signedAt, answered })
    }
    return {
      name: 'simulated',
      async send(request) {
        if (life.dead) return NEVER
        const fate = calm ? 1 : random()
        await wait(1 + random() * 200)
        if (life.dead) return NEVER
        if (fate < 0.03) return failure('connect', false)
        if (fate < 0.06) {
          arrive(request, false)
          return failure('reset', true)
        }
        if (fate < 0.08) {
          await wait(request.deadlineMs)
          return failure('timeout', true)
        }
        arrive(request, fate >= 0.16)
        if (fate > 0.97 && fate < 1) {
          repeated += 1
          arrive(request, true)
        }
        const timing = { firstByteMs: 1, totalMs: 1 }
        return {
          ...{
            kind: 'response',
            status: fate < 0.16 ? 500 : 204,
            headers: {},
            excerpt: '',
            truncated: false,
          },
          timing,
        }
      },
      async close() {},
    }
  }

  async function hire() {
    const life = { dead: false, offMs: 0 }
    const worker = createWebhooks({
      store: through(life),
      transport: network(life),
      clock: { ...clock, now: () => clock.now() + life.offMs },
      random,
      logger: quietLogger,
      timeoutMs: TIMEOUT_MS,
      concurrency: 6,
      retry: schedule(Array.from({ length: 40 }, () => '1s' as const)),
      defaultTenant: 'acme',
    })
    await worker.start().catch(() => undefined)
    return { life, worker }
  }

  async function publish(worker: Awaited<ReturnType<typeof hire>>['worker']): Promise<void> {
    const id = `evt_${++serial}`
    invoked.add(id)
    await worker.publish('order.paid', { id }, { id }).then(
      () => acknowledged.add(id),
      () => undefined,
    )
  }

  /** No ended delivery may change its state again. */
  async function compareEnded(): Promise<void> {
    const { rows } = await right.listDeliveries({ tenant: anyTenant }, { limit: 1_000 })
    for (const { id, state } of rows) {
      const before = ended.get(id)
      if (before !== undefined && before !== state) problems.push(`${id} went from ${before} to ${state}`)
      if (state !== 'pending') ended.set(id, state)
    }
  }

  const owner = createWebhooks({ store: right, clock, logger: quietLogger, defaultTenant: 'acme' })
  for (const name of ENDPOINTS) await owner.subscriptions.create({ url: `https://receiver.example/${name}` })
  let workers = await Promise.all(Array.from({ length: WORKERS }, hire))

  for (let step = 0; step < steps; step++) {
    const at = Math.floor(random() * workers.length)
    const one = workers[at]
    if (one === undefined) continue
    if (chance(0.35)) void publish(one.worker)
    else if (chance(0.08)) {
      one.life.dead = true
      deaths += 1
      workers = workers.with(at, await hire())
    } else if (chance(0.05)) {
      const stepMs = CLOCK_STEPS_MS[Math.floor(random() * CLOCK_STEPS_MS.length)] ?? 0
      one.life.offMs += random() < 0.5 ? stepMs : -stepMs
      clockSteps += 1
    } else await clock.advance(random() * 400)
    if (step % 25 === 0) await compareEnded()
  }

  calm = true
  const limit = clock.now() + 10 * 60_000
  const quiet = async () => {
    const { due, scheduled, held } = await right.backlog({ tenant: anyTenant })
    return due + scheduled + held === 0
  }
  do await clock.advance(5_000)
  while (clock.now() < limit && !(await quiet()))
  await compareEnded()

  const attempts = await right.listAttempts({ tenant: anyTenant }, { limit: 100_000, order: 'oldest' })
  const unlike = lostOrChanged(arrivals, invoked, acknowledged, ENDPOINTS)
  return {
    wrong: [...problems, ...unlike, ...misnumbered(attempts.rows)],
    acknowledged: acknowledged.size,
    arrivals: arrivals.length,
    deaths,
    storeFailures,
    late: attempts.rows.filter((attempt) => attempt.late).length,
    repeated,
    clockSteps,
  }
}
