/**
 * Test 48: by hand, by the schedule, in bulk, by several processes, while jobs are stopped and the subscription is paused, disabled,
 * enabled and deleted: a delivery has one attempt at a time, numbered without gap, and what has ended is never changed.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { type Seeded, seeded } from '../../../../src/cli/torture/random.ts'
import { schedule } from '../../../../src/delivery/backoff.ts'
import { isPosthornError } from '../../../../src/index.ts'
import type { AttemptRecord, DeliveryRecord } from '../../../../src/records.ts'
import type { Bench, Kind, Scenario } from '../../scenario.ts'
import { openStage, type Stage } from '../../stage/stage.ts'
import type { Arrival } from '../../stage/words.ts'
import { noServer } from '../under-harm.ts'

const WORKERS = 3
const AT_A_TIME = 10
const ACTS = 16
const PATIENCE_MS = 120_000

type Wrong = (problem: string) => void

/** One interleaving, in a tenant of its own. */
interface Race {
  readonly tenantId: string
  /** Subscription and endpoint. */
  readonly receivers: { readonly id: string; readonly endpoint: number }[]
  /** Attempts as they were seen first. */
  readonly seen: Map<string, string>
  readonly jobs: readonly string[]
  /** Jobs as they were when they were stopped. */
  readonly stopped: ReadonlyMap<string, string>
}

async function race(stage: Stage, tenantId: string, random: Seeded, wrong: Wrong): Promise<Race> {
  const { webhooks } = stage
  const { subscriptions, deliveries } = webhooks
  const scope = { tenantId }
  const receivers: Race['receivers'] = []
  for (const endpoint of [0, 1]) receivers.push({ id: await stage.subscribe(tenantId, endpoint), endpoint })
  await stage.publish([scope, scope])
  const some = () => random.pick(receivers)?.id ?? ''
  const rows = async () =>
    (await stage.opened.store.listDeliveries({ tenant: tenantId }, { limit: 100 })).rows
  const one = async () => random.pick(await rows())?.id ?? 'none'
  const status = () => random.pick(['failed', 'cancelled', 'pending', 'succeeded'] as const)
  const stopped = new Map<string, string>()
  const stopOne = async () => {
    const { items } = await webhooks.jobs.list({ ...scope, state: 'running' })
    const id = random.pick(items)?.id ?? (await deliveries.retryAll(scope)).jobId
    stopped.set(id, JSON.stringify(await webhooks.jobs.stop(id, scope)))
  }
  const acts: readonly (() => Promise<unknown>)[] = [
    () => stage.publish([scope]),
    async () => deliveries.redeliver(await one(), scope),
    async () => deliveries.redeliver(await one(), scope),
    async () => deliveries.cancel(await one(), scope),
    async () => deliveries.cancel(await one(), scope),
    async () => deliveries.retryAll({ ...scope, status: status() ?? 'failed' }),
    async () => deliveries.replay({ ...scope, subscription: some(), since: new Date(0), succeededToo: true }),
    async () => deliveries.replayMissing({ ...scope, subscription: some(), since: new Date(0) }),
    async () => deliveries.cancel({ ...scope, subscription: some() }),
    stopOne,
    async () => subscriptions.pause(some(), scope),
    async () => subscriptions.resume(some(), scope),
    async () => subscriptions.disable(some(), scope),
    async () => subscriptions.enable(some(), { ...scope, pending: random.pick(['send', 'drop']) ?? 'send' }),
    async () => random.between(1, 8) === 1 && subscriptions.delete(receivers[1]?.id ?? '', scope),
  ]
  const seen = new Map<string, string>()
  const jobs: string[] = []
  const open: Promise<unknown>[] = []
  for (let act = 0; act < ACTS; act++) {
    const doIt = random.pick(acts) ?? acts[0]
    if (doIt === undefined) continue
    const doing = doIt().then((result) => {
      if (typeof result === 'object' && result !== null && 'jobId' in result) jobs.push(String(result.jobId))
    })
    open.push(doing.catch((error) => isPosthornError(error) || wrong(`${tenantId}: ${String(error)}`)))
    if (random.between(0, 1) === 0) await pause(random.between(0, 100))
    if (act % 5 === 4) await look(stage, tenantId, seen, wrong)
  }
  await Promise.all(open)
  for (const { id } of receivers) {
    await subscriptions.resume(id, scope).catch(() => subscriptions.enable(id, scope).catch(() => null))
  }
  return { tenantId, receivers, seen, jobs, stopped }
}

/** Attempts are append-only. */
async function look(
  stage: Stage,
  tenant: string,
  seen: Race['seen'],
  wrong: Wrong,
): Promise<AttemptRecord[]> {
  const { rows } = await stage.opened.store.listAttempts({ tenant }, { limit: 1_000 })
  for (const attempt of rows) {
    const text = JSON.stringify(attempt)
    if ((seen.get(attempt.id) ?? text) !== text) wrong(`${tenant}: attempt ${attempt.id} was changed`)
    seen.set(attempt.id, text)
  }
  return [...rows]
}

function faultsOf(row: DeliveryRecord, attempts: readonly AttemptRecord[]): string[] {
  const numbers = attempts
    .filter(({ deliveryId }) => deliveryId === row.id)
    .map(({ number }) => number)
    .sort((a, b) => a - b)
  return [
    ...(row.state === 'pending' ? [`${row.id} is still pending`] : []),
    ...(numbers.some((number, index) => number !== index + 1) ? [`${row.id} has attempts ${numbers}`] : []),
    ...(row.attemptCount === numbers.length
      ? []
      : [`${row.id} counts ${row.attemptCount} of ${numbers.length}`]),
  ]
}

/** Requests of one delivery that were open at the same time; what was cancelled while it was sent is another matter. */
function overlaps(arrivals: readonly Arrival[], cancelled: ReadonlySet<string>): string[] {
  const byDelivery = new Map<string, Arrival[]>()
  for (const one of arrivals) {
    const key = `${one.id} ${one.endpoint}`
    const known = byDelivery.get(key)
    if (known === undefined) byDelivery.set(key, [one])
    else known.push(one)
  }
  return [...byDelivery].flatMap(([key, list]) => {
    if (cancelled.has(key)) return []
    const sorted = list.sort((a, b) => a.at - b.at)
    const isOver = ({ answered }: Arrival, next: Arrival) => answered === null || answered <= next.at
    return sorted.some((one, index) => index > 0 && !isOver(sorted[index - 1] ?? one, one))
      ? [`two attempts of ${key} at once`]
      : []
  })
}

async function raceAll(bench: Bench, kind: Kind, races: number) {
  const place = await bench.place(kind)
  if (place === null) return null
  const stage = await openStage(bench, place, 2)
  const moody = { kind: 'answer', answerMs: [5, 80], failShare: 0.4 } as const
  await stage.behave('all', moody)
  for (let n = 0; n < WORKERS; n++) {
    await stage.sender({
      ...{
        timeoutMs: 15_000,
        concurrency: 60,
        concurrencyPerOrigin: 60,
        breaker: false,
        disableAfter: false,
      },
      retry: schedule(Array.from({ length: 8 }, () => 100)),
    })
  }
  const random = seeded(bench.seed)
  const problems: string[] = []
  const wrong: Wrong = (problem) => void problems.push(problem)
  const done: Race[] = []
  for (let from = 0; from < races; from += AT_A_TIME) {
    const group = Array.from({ length: Math.min(AT_A_TIME, races - from) }, (_, n) => `race-${from + n}`)
    done.push(...(await Promise.all(group.map((tenantId) => race(stage, tenantId, random, wrong)))))
    if (bench.full && from % 500 === 0) bench.say(`  ${from} of ${races} races`)
  }
  await stage.behave('all', { kind: 'answer' })
  // Ended jobs stay for a day, so the queue is never empty: the deliveries themselves are asked.
  const { store } = stage.opened
  const endpoints = new Map(
    done.flatMap(({ receivers }) => receivers.map(({ id, endpoint }) => [id, endpoint])),
  )
  const until = Date.now() + PATIENCE_MS
  const keys = new Map<string, string>()
  const counts = { deliveries: 0, attempts: 0, resent: 0, cancelled: 0, stopped: 0 }
  for (const { tenantId, seen, jobs, stopped } of done) {
    for (const id of jobs) {
      while ((await stage.webhooks.jobs.get(id, { tenantId })).endedAt === null && Date.now() < until)
        await pause(50)
    }
    for (const [id, before] of stopped) {
      const job = JSON.stringify(await stage.webhooks.jobs.get(id, { tenantId }))
      if (job !== before) problems.push(`${tenantId}: the stopped job ${id} went on`)
    }
    counts.stopped += stopped.size
    for (; Date.now() < until; await pause(100)) {
      const { rows } = await store.listDeliveries({ tenant: tenantId, state: 'pending' }, { limit: 1 })
      if (rows.length === 0) break
    }
    const attempts = await look(stage, tenantId, seen, wrong)
    const { rows } = await store.listDeliveries({ tenant: tenantId }, { limit: 1_000 })
    for (const row of rows) {
      problems.push(...faultsOf(row, attempts))
      keys.set(row.id, `${row.eventId} ${endpoints.get(row.subscriptionId ?? '')}`)
      if (row.state === 'cancelled') counts.cancelled += 1
    }
    counts.deliveries += rows.length
    counts.attempts += attempts.length
    counts.resent += attempts.filter(({ trigger }) => trigger === 'manual').length
  }
  const cancelled = new Set(
    stage.told().flatMap((told) => {
      const isCancel = told.kind === 'ended' && told.state === 'cancelled'
      return isCancel ? (keys.get(told.deliveryId) ?? []) : []
    }),
  )
  problems.push(...overlaps(await stage.arrivals(), cancelled))
  return { problems, counts }
}

export const races: Scenario = {
  number: 48,
  name: 'retries, replays and changes of a subscription at once',
  kinds: ['postgres', 'mysql', 'sqlite'],
  async run(bench, kind) {
    const found = await raceAll(bench, kind, bench.full ? 5_000 : 30)
    if (found === null) return noServer(kind)
    const { problems, counts } = found
    const idle = Object.entries(counts).filter(([, count]) => count === 0)
    return {
      // A race in which nothing happens proves nothing.
      problems: [...problems.slice(0, 20), ...idle.map(([name]) => `no ${name}`)],
      figures: { races: bench.full ? 5_000 : 30, ...counts, wrong: problems.length },
    }
  },
}
