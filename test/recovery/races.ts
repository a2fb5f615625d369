/**
 * Everything that can be done to a delivery, done at once: by hand, by the schedule, in bulk, by two workers over one
 * store, while its subscription is paused, disabled, enabled and deleted. One seed, one interleaving.
 */
import { createWebhooks, isPosthornError, schedule } from '../../src/index.ts'
import type { AttemptRecord, DeliveryRecord } from '../../src/records.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { quietLogger } from '../support/setup.ts'

const acme = { tenantId: 'acme' }
const SUBSCRIPTIONS = ['one', 'two'] as const
const STEPS = 40

/** What a run came to. */
export interface Raced {
  /** What went wrong: nothing, it is hoped. */
  readonly wrong: readonly string[]
  readonly requests: number
  readonly resent: number
  readonly cancelled: number
  readonly stopped: number
}

/** mulberry32 */
function chance(seed: number) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const whole = (below: number) => Math.floor(next() * below)
  return { whole, pick: <T>(list: readonly T[]): T => list[whole(list.length)] as T }
}

/** A few turns of the microtask queue, so that calls cross in ways that no test would think of. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await null
}

export async function race(seed: number): Promise<Raced> {
  const { whole, pick } = chance(seed)
  const wrong: string[] = []
  const clock = manualClock()
  const right = memoryStore({ clock })
  const slowed = Object.entries(right).map(([name, call]) => {
    if (typeof call !== 'function' || name === 'onWake') return [name, call]
    const slow = async (...args: unknown[]) => {
      await turns(whole(8))
      const result = await (call as (...given: unknown[]) => unknown)(...args)
      if (name === 'cancel') for (const row of result as DeliveryRecord[]) forget(row)
      await turns(whole(8))
      return result
    }
    return [name, slow]
  })
  const store: typeof right = Object.fromEntries(slowed)
  const inFlight = new Set<string>()
  /** Cancel calls back no request of a worker that has claimed: what is sent after it is another matter. */
  const cancelled = new Set<string>()
  const forget = ({ eventId, subscriptionId }: DeliveryRecord) =>
    cancelled.add(`${eventId} https://receiver.example/${subscriptionId}`)
  let isWell = false
  const transport = fakeTransport(async ({ headers, url }) => {
    const key = `${headers['webhook-id']} ${url}`
    if (inFlight.has(key) && !cancelled.has(key)) wrong.push(`two attempts of ${key} at once`)
    inFlight.add(key)
    await turns(whole(40))
    inFlight.delete(key)
    return isWell ? 200 : pick([200, 200, 500, 503])
  })
  const ends = new Map<string, number>()
  const make = () =>
    createWebhooks({
      store,
      transport,
      clock,
      logger: quietLogger,
      random: () => 0,
      retry: schedule(['1s', '5s', '10s'], { jitter: 0 }),
      hooks: { ended: ({ deliveryId }) => ends.set(deliveryId, (ends.get(deliveryId) ?? 0) + 1) },
    })
  const workers = [make(), make()]
  const { subscriptions, deliveries, jobs, publish } = workers[0] ?? make()
  for (const id of SUBSCRIPTIONS)
    await subscriptions.create({ ...acme, id, url: `https://receiver.example/${id}` })

  let published = 0
  let resent = 0
  const rows = async () => (await right.listDeliveries({ tenant: 'acme' }, { limit: 1_000 })).rows
  const some = async () => pick(await rows())?.id ?? 'none'
  const again = (count: number) => {
    resent += count
  }
  /** Jobs as they were when they were stopped. */
  const stopped = new Map<string, string>()
  const stopOne = async () => {
    const { items } = await jobs.list({ ...acme, state: 'running' })
    const job = await jobs.stop(pick(items)?.id ?? 'none', acme)
    stopped.set(job.id, JSON.stringify(job))
  }
  const acts: readonly (() => Promise<unknown>)[] = [
    () => publish('a', {}, { ...acme, id: `e${published++}` }),
    () => publish('a', {}, { ...acme, id: `e${published++}` }),
    () => pick(workers).drain(),
    () => pick(workers).drain(),
    () => clock.advance(pick([500, 1_000, 5_000])),
    async () => deliveries.redeliver(await some(), acme).then(() => again(1)),
    async () => deliveries.cancel(await some(), acme),
    () => deliveries.retryAll({ ...acme, status: pick(['failed', 'cancelled', 'pending', 'succeeded']) }),
    () => deliveries.replay({ ...acme, subscription: pick(SUBSCRIPTIONS), since: new Date(0) }),
    () => deliveries.replayMissing({ ...acme, subscription: pick(SUBSCRIPTIONS) }),
    () => deliveries.cancel({ ...acme, subscription: pick(SUBSCRIPTIONS) }),
    stopOne,
    stopOne,
    () => subscriptions.pause(pick(SUBSCRIPTIONS), acme),
    () => subscriptions.resume(pick(SUBSCRIPTIONS), acme),
    () => subscriptions.disable(pick(SUBSCRIPTIONS), acme),
    () => subscriptions.enable(pick(SUBSCRIPTIONS), { ...acme, pending: pick(['send', 'drop']) }),
    async () => whole(4) === 0 && subscriptions.delete('two', acme),
  ]

  const open: Promise<unknown>[] = []
  const seen = new Map<string, AttemptRecord>()
  for (let step = 0; step < STEPS; step++) {
    const act = pick(acts)
    open.push(act().catch((error) => isPosthornError(error) || wrong.push(`threw ${String(error)}`)))
    await turns(whole(30))
    if (whole(6) === 0) await Promise.all(open.splice(0))
    for (const attempt of (await right.listAttempts({ tenant: 'acme' }, { limit: 1_000 })).rows) {
      const before = seen.get(attempt.id)
      if (before !== undefined && JSON.stringify(before) !== JSON.stringify(attempt))
        wrong.push(`attempt ${attempt.id} was changed`)
      seen.set(attempt.id, attempt)
    }
  }
  await Promise.all(open)
  isWell = true
  await subscriptions.resume('one', acme).catch(() => subscriptions.enable('one', acme))
  await subscriptions.resume('two', acme).catch(() => subscriptions.enable('two', acme).catch(() => null))
  // Long enough for the schedule, and for a breaker that has opened again and again.
  for (let round = 0; round < 16; round++) {
    await Promise.all(workers.map((worker) => worker.drain()))
    await clock.advance(round < 8 ? 15_000 : 3_600_000)
  }
  const ended = await rows()
  for (const row of ended) wrong.push(...(await faultsOf(row)))
  for (const [id, before] of stopped)
    if (JSON.stringify(await jobs.get(id, acme)) !== before) wrong.push(`the stopped job ${id} went on`)
  for (const { id } of (await jobs.list({ ...acme, state: 'running', limit: 1_000 })).items)
    wrong.push(`the job ${id} does not end`)
  return {
    wrong,
    requests: transport.requests.length,
    resent,
    cancelled: ended.filter((row) => row.state === 'cancelled').length,
    stopped: stopped.size,
  }

  async function faultsOf(row: DeliveryRecord): Promise<string[]> {
    const { rows: attempts } = await right.listAttempts(
      { tenant: 'acme', deliveryId: row.id },
      { limit: 1_000 },
    )
    const numbers = attempts.map(({ number }) => number).sort((a, b) => a - b)
    const faults: string[] = []
    if (row.state === 'pending') faults.push(`${row.id} is still pending`)
    if (numbers.some((number, index) => number !== index + 1))
      faults.push(`${row.id} has attempts ${numbers}`)
    if (row.attemptCount !== numbers.length) faults.push(`${row.id} counts ${row.attemptCount} attempts`)
    // What comes into being while its subscription is deleted is cancelled by the store, unsaid.
    const isOrphan = (await right.getSubscription('acme', row.subscriptionId ?? '')) === null
    if (!isOrphan && (ends.get(row.id) ?? 0) < 1) faults.push(`${row.id} ended unsaid`)
    return faults
  }
}
