/**
 * A whole installation in one process, driven by one seed: several workers over one store, a network that loses requests
 * and answers, a store that fails before or after the work is done, workers that die with everything they held. Time is the
 * manual clock's, so that a run is the same every time.
 */
import { createHash } from 'node:crypto'
import { createWebhooks, schedule } from '../../src/index.ts'
import { anyTenant } from '../../src/model.ts'
import type { AttemptRecord } from '../../src/records.ts'
import type { Store } from '../../src/store.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import type { Transport, TransportRequest, TransportResult } from '../../src/transport.ts'
import { quietLogger } from '../support/setup.ts'

/** A request as the receiver saw it. */
interface Arrival {
  readonly id: string
  readonly endpoint: string
  readonly digest: string
  readonly at: number
  readonly answered: boolean
}

const TIMEOUT_MS = 1_000
const ENDPOINTS = ['alpha', 'beta', 'gamma'] as const
const WORKERS = 2
const NEVER = new Promise<never>(() => {})

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
          const answer: unknown = await (operate as (...all: unknown[]) => unknown).apply(target, given)
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
      arrivals.push({ id: request.headers['webhook-id'] ?? '', endpoint, digest, at: clock.now(), answered })
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
    const life = { dead: false }
    const worker = createWebhooks({
      store: through(life),
      transport: network(life),
      clock,
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
  return {
    wrong: [...problems, ...lostOrChanged(), ...misnumbered(attempts.rows)],
    acknowledged: acknowledged.size,
    arrivals: arrivals.length,
    deaths,
    storeFailures,
    late: attempts.rows.filter((attempt) => attempt.late).length,
  }

  function lostOrChanged(): string[] {
    const wrong: string[] = []
    const groups = new Map<string, Arrival[]>()
    for (const one of arrivals) {
      if (!invoked.has(one.id)) wrong.push(`${one.id} arrived and was never published`)
      const key = `${one.id} at ${one.endpoint}`
      groups.set(key, [...(groups.get(key) ?? []), one])
    }
    for (const id of acknowledged) {
      for (const endpoint of ENDPOINTS) {
        const key = `${id} at ${endpoint}`
        if (!groups.get(key)?.some((one) => one.answered)) wrong.push(`${key} was lost`)
      }
    }
    for (const [key, group] of groups) {
      if (new Set(group.map((one) => one.digest)).size > 1) wrong.push(`${key} changed its bytes`)
    }
    return wrong
  }
}

/** Attempts of each delivery must be 1 to n, and none may begin after one was recorded as a success in time. */
function misnumbered(attempts: readonly AttemptRecord[]): string[] {
  const groups = new Map<string, AttemptRecord[]>()
  for (const one of attempts) groups.set(one.deliveryId, [...(groups.get(one.deliveryId) ?? []), one])
  return [...groups].flatMap(([id, group]) => {
    const numbers = group.map((attempt) => attempt.number).sort((a, b) => a - b)
    const wrong = numbers.some((number, index) => number !== index + 1)
      ? [`${id} has attempts ${numbers}`]
      : []
    const succeeded = group.filter((attempt) => attempt.outcome === 'succeeded')
    const explained = group.some((attempt) => attempt.late || attempt.afterLostClaim)
    return succeeded.length > 1 && !explained ? [...wrong, `${id} succeeded twice`] : wrong
  })
}
