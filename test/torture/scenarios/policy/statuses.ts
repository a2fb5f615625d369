/** Test 37: every status that a receiver can answer with, and every Retry-After that it can think of. */
import { setTimeout as pause } from 'node:timers/promises'
import { schedule } from '../../../../src/delivery/backoff.ts'
import type { Page } from '../../../../src/lists.ts'
import { anyTenant } from '../../../../src/model.ts'
import type { AttemptRecord, DeliveryRecord } from '../../../../src/records.ts'
import type { Bench, Scenario } from '../../scenario.ts'
import { openStage, type Stage } from '../../stage/stage.ts'
import { nonzero, rowsOf } from '../../stage/verdict.ts'
import type { SenderOptions } from '../../stage/words.ts'
import { noServer } from '../under-harm.ts'

const STEP_MS = 600_000
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const MAX_PACE_MS = 60_000
/** Between the end of a request and the moment at which its outcome is stored. */
const SLACK_MS = 30_000
const PATIENCE_MS = 600_000

/** What is asked for, and the wait that it means: in ms, an instant, or null where it cannot be understood. */
const ASKED: readonly (readonly [string, number | Date | null])[] = [
  ['0', 0],
  ['5', 5_000],
  ['-1', null],
  ['1e9', null],
  ['9999999999', DAY_MS],
  ['99999999999999999999', DAY_MS],
  ['NaN', null],
  ['5.5', null],
  ['5,7', null],
  ['', null],
  [httpDate(-HOUR_MS), 0],
  httpDateOf(HOUR_MS),
  [httpDate(10 * 365 * DAY_MS), DAY_MS],
  ['Mon, 99 Foo 2026 25:61:61 GMT', null],
]

function httpDate(fromNowMs: number): string {
  return new Date(Date.now() + fromNowMs).toUTCString()
}

function httpDateOf(fromNowMs: number): readonly [string, Date] {
  const text = httpDate(fromNowMs)
  return [text, new Date(text)]
}

interface Case {
  readonly status: number
  readonly retryAfter: string | null
  readonly asked: number | Date | null
}

const CASES: readonly Case[] = [
  ...Array.from({ length: 400 }, (_, n) => ({ status: 200 + n, retryAfter: null, asked: null })),
  ...[429, 503].flatMap((status) => ASKED.map(([retryAfter, asked]) => ({ status, retryAfter, asked }))),
]
const PACED = CASES.filter(({ status }) => status === 429 || status === 503)

/** A subscription and an endpoint of its own for each case, and one more endpoint that nobody may ever ask. */
async function play(stage: Stage, cases: readonly Case[], each: number, name: string) {
  for (const [index, { status, retryAfter }] of cases.entries()) {
    const headers = {
      ...(retryAfter === null ? {} : { 'retry-after': retryAfter }),
      ...(status >= 300 && status < 400 ? { location: stage.urls.at(-1) ?? '' } : {}),
    }
    await stage.behave([index], { kind: 'answer', status, headers })
    await stage.subscribe(`${name}-${index}`, index)
  }
  const round = cases.map((_, index) => ({ tenantId: `${name}-${index}` }))
  return stage.publish(Array.from({ length: each }, () => round).flat())
}

/** Until every request that can be made has been made. */
async function untilTried(stage: Stage, wanted: (deliveries: readonly DeliveryRecord[]) => boolean) {
  const { store } = stage.opened
  const rows = (page: Page) => store.listDeliveries({ tenant: anyTenant }, page)
  for (const until = Date.now() + PATIENCE_MS; ; ) {
    const began = Date.now()
    const deliveries: DeliveryRecord[] = []
    for await (const row of rowsOf(rows)) deliveries.push(row)
    if (wanted(deliveries) || Date.now() > until) return deliveries
    // Looking costs: it takes a quarter of the time at most.
    await pause(Math.max(200, 3 * (Date.now() - began)))
  }
}

/** The least and the most that the next attempt may be away from the end of the last one. */
function boundsOf({ asked }: Case, ownMs: number, endedAt: number): readonly [number, number] {
  const askedMs = asked instanceof Date ? asked.getTime() - endedAt : (asked ?? 0)
  const least = Math.max(ownMs, Math.min(askedMs, DAY_MS))
  return [least, least * 1.2 + SLACK_MS]
}

async function endsOf({ opened: { store } }: Stage): Promise<Map<string, AttemptRecord>> {
  const last = new Map<string, AttemptRecord>()
  for await (const row of rowsOf((page) => store.listAttempts({ tenant: anyTenant }, page))) {
    if ((last.get(row.deliveryId)?.number ?? 0) < row.number) last.set(row.deliveryId, row)
  }
  return last
}

/** Whatever comes back slows down nothing but its own delivery: so every delivery gets its answer. */
async function alone(bench: Bench, stage: Stage, each: number) {
  const options: SenderOptions = {
    ...{ breaker: false, disableAfter: false, throttle: 'delivery', timeoutMs: 15_000, concurrency: 100 },
    retry: schedule([STEP_MS, STEP_MS]),
  }
  const sender = await stage.sender(options)
  const ids = await play(stage, CASES, each, 'alone')
  const gone = (row: DeliveryRecord) => CASES[Number(row.tenantId.split('-')[1])]?.status === 410
  const deliveries = await untilTried(
    stage,
    (rows) =>
      // What comes to the one that is gone once it is disabled makes no delivery.
      rows.filter((row) => !gone(row)).length === ids.length - each &&
      rows.every((row) => row.attemptCount > 0 || (gone(row) && row.held)),
  )
  const { longestTimerMs } = await sender.measure()
  await sender.end('SIGTERM')
  const ends = await endsOf(stage)
  const wrong: string[] = []
  for (const row of deliveries) {
    const one = CASES[Number(row.tenantId.split('-')[1])]
    if (one === undefined) continue
    const told = `${one.status}${one.retryAfter === null ? '' : ` with Retry-After "${one.retryAfter}"`}`
    const attempt = ends.get(row.id)
    const endedAt = (attempt?.startedAt ?? 0) + (attempt?.durationMs ?? 0)
    const success = one.status < 300
    if (gone(row)) {
      const stopped = row.held || (row.state === 'failed' && row.reason === 'refused')
      if (!stopped) wrong.push(`${told}: ${row.state}`)
    } else if (success || row.nextAttemptAt === null) {
      if (row.state !== (success ? 'succeeded' : 'pending'))
        wrong.push(`${told}: ${row.state} (${row.reason})`)
      else if (!success) wrong.push(`${told}: nothing is due`)
    } else {
      const [least, most] = boundsOf(one, STEP_MS, endedAt)
      const waits = row.nextAttemptAt - endedAt
      if (waits < least || waits > most) wrong.push(`${told}: due again after ${Math.round(waits / 1_000)} s`)
    }
    if (attempt?.status !== one.status && !row.held) wrong.push(`${told}: stored as ${attempt?.status}`)
  }
  const arrivals = await stage.arrivals()
  const goneIndex = CASES.findIndex(({ status }) => status === 410)
  const { state, disabledReason } =
    (await stage.webhooks.subscriptions.list({ tenantId: `alone-${goneIndex}` })).items[0] ?? {}
  if (state !== 'disabled' || disabledReason !== 'gone') wrong.push(`410: the subscription is ${state}`)
  const followed = arrivals.filter(({ endpoint }) => endpoint >= CASES.length).length
  const most = arrivals.filter(({ endpoint }) => endpoint !== goneIndex).length - (ids.length - each)
  return {
    deliveries: ids.length,
    longestTimerMs,
    problems: [
      ...new Set(wrong),
      ...nonzero({ 'redirects followed': followed, 'requests too many': most }),
      ...(bench.full && ends.size < ids.length - each ? ['not all were tried'] : []),
    ],
  }
}

/** 429 and 503 slow down the whole subscription: after the first answer there is silence until the probe. */
async function paced(stage: Stage) {
  const sender = await stage.sender({ timeoutMs: 15_000, retry: schedule([STEP_MS, STEP_MS]) })
  const ids = await play(stage, PACED, 1, 'paced')
  await untilTried(
    stage,
    (rows) => rows.length === ids.length && rows.every(({ attemptCount }) => attemptCount > 0),
  )
  const wrong: string[] = []
  const rowOf = async (index: number) => {
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await pause(100)) {
      const { rows } = await stage.opened.store.listSubscriptions({ tenant: `paced-${index}` }, { limit: 1 })
      if (rows[0]?.pausedBy === 'breaker') return rows[0]
    }
    return null
  }
  const ends = [...(await endsOf(stage)).values()]
  for (const [index, one] of PACED.entries()) {
    const row = await rowOf(index)
    const told = `${one.status} with Retry-After "${one.retryAfter}"`
    const breaker = row?.condition.breaker as { cause: string; nextProbeAt: number } | undefined
    const attempt = ends.find(({ tenantId }) => tenantId === `paced-${index}`)
    if (breaker?.cause !== 'throttled' || attempt === undefined) {
      wrong.push(`${told}: the subscription is not paced`)
      continue
    }
    const endedAt = attempt.startedAt + attempt.durationMs
    const [least, most] = boundsOf(one, MAX_PACE_MS, endedAt)
    const waits = breaker.nextProbeAt - endedAt
    if (waits < least || waits > most) wrong.push(`${told}: a probe after ${Math.round(waits / 1_000)} s`)
  }
  const before = (await stage.arrivals()).length
  const later = await stage.publish(PACED.map((_, index) => ({ tenantId: `paced-${index}` })))
  await untilTried(
    stage,
    (rows) => rows.filter(({ held, attemptCount }) => held && attemptCount === 0).length === later.length,
  )
  const { longestTimerMs } = await sender.measure()
  await sender.end('SIGTERM')
  const sent = (await stage.arrivals()).length - before
  return { longestTimerMs, problems: [...wrong, ...nonzero({ 'sent in the silence': sent })] }
}

export const statuses: Scenario = {
  number: 37,
  name: 'statuses and Retry-After',
  kinds: ['postgres', 'mysql', 'sqlite'],
  async run(bench, kind) {
    const places = [await bench.place(kind), await bench.place(kind)]
    const [first, second] = places
    if (first === null || second === null || first === undefined || second === undefined)
      return noServer(kind)
    const one = await alone(bench, await openStage(bench, first, CASES.length + 1), bench.full ? 200 : 1)
    const other = await paced(await openStage(bench, second, PACED.length + 1))
    const longestTimerMs = Math.max(one.longestTimerMs, other.longestTimerMs)
    return {
      problems: [
        ...[...one.problems, ...other.problems].slice(0, 20),
        ...(longestTimerMs > HOUR_MS ? [`a timer of ${longestTimerMs} ms`] : []),
      ],
      figures: { cases: CASES.length, deliveries: one.deliveries, 'longest timer s': longestTimerMs / 1_000 },
    }
  },
}
