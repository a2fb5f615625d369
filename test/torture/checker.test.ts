/** The judge of the torture runs, judged: each thing that it looks for, put before it on purpose. */
import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tooEarly } from '../../src/cli/torture/due.ts'
import { watchHistory, wentOn } from '../../src/cli/torture/history.ts'
import type { Fault, Received, Told, WorkerEntry } from '../../src/cli/torture/ledger.ts'
import { recoveryOf } from '../../src/cli/torture/recovery.ts'
import type { DeliveryRecord } from '../../src/records.ts'
import { rowName } from '../../src/stores/sql/rows.ts'
import { temporaryFolder } from '../support/databases/server.ts'

const row = rowName('acme', 'evt_1', 1)

function request(worker: string, at: number, more: Partial<Received> = {}): Received {
  return {
    ...{ id: 'evt_1', tenant: 'acme', endpoint: 'e0', digest: '', body: '', valid: true, signedAt: 0 },
    ...{ worker, at, answered: at + 10, status: 204, ...more },
  }
}

const claimed = (token: string, at: number): WorkerEntry => ({
  ...{ kind: 'claimed', token, rows: [row], at, tick: at },
})
const recorded = (token: string, at: number, told: Partial<Told> = {}): WorkerEntry => ({
  ...{ kind: 'recorded', askedAt: at, tick: at },
  outcomes: [{ row, token, key: 'evt_1 e0', succeeded: true, result: 'recorded', ...told }],
})
const hit = (kind: 'kill' | 'freeze', worker: string, at: number, token: string): Fault => ({
  ...{ kind, worker, at, held: [{ row, token }] },
})

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder('judged')
})
afterAll(() => folder.remove())

/** What comes of these ledgers. A worker asks for each token that it claims with. */
function judge(
  ledgers: Readonly<Record<string, readonly WorkerEntry[]>>,
  received: readonly Received[],
  faults: readonly Fault[],
) {
  const pathOf = (worker: string) => `${folder.path}/${worker}`
  for (const [worker, entries] of Object.entries(ledgers)) {
    const lines = entries.flatMap((entry): WorkerEntry[] =>
      entry.kind === 'claimed' ? [{ kind: 'asked', token: entry.token }, entry] : [entry],
    )
    writeFileSync(pathOf(worker), lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  }
  return recoveryOf(Object.keys(ledgers), pathOf, received, faults)
}

describe('recovery', () => {
  it('counts from the kill of the worker that held the row, however many kills come after it', () => {
    const kills = [0, 1, 2, 3, 4].map((n): Fault => {
      return n === 0 ? hit('kill', 'a', 1_000, 'A') : { ...hit('kill', `x${n}`, 1_000 + n * 2_000, 'A') }
    })
    const found = judge({ a: [claimed('A', 900)], b: [claimed('B', 61_000)] }, [], kills)
    expect(found).toMatchObject({ slowestReclaimMs: 60_000, slowestOfFirstMs: 60_000, reclaimed: 1 })
  })

  it('sees the claim whose answer the killed worker never saw', () => {
    const asked: WorkerEntry = { kind: 'asked', token: 'A' }
    const found = judge({ a: [asked], b: [claimed('B', 9_000)] }, [], [hit('kill', 'a', 1_000, 'A')])
    expect(found.slowestReclaimMs).toBe(8_000)
  })

  it('tells what was lost a second time apart', () => {
    const ledgers = { a: [claimed('A', 900)], b: [claimed('B', 6_000)], c: [claimed('C', 40_000)] }
    const found = judge(ledgers, [], [hit('kill', 'a', 1_000, 'A'), hit('kill', 'b', 7_000, 'B')])
    expect(found).toMatchObject({ slowestReclaimMs: 33_000, slowestOfFirstMs: 5_000, reclaimed: 2 })
  })

  it('counts a request in flight, and the time until it is sent again', () => {
    const received = [request('a', 990, { answered: null }), request('b', 8_000)]
    const found = judge({ a: [claimed('A', 900)] }, received, [hit('kill', 'a', 1_000, 'A')])
    expect(found).toMatchObject({ inFlight: [1], slowestResendMs: 7_000 })
  })

  it('tells what was sent again only after a second loss apart', () => {
    const received = [request('a', 990, { answered: null }), request('c', 40_000)]
    const ledgers = { a: [claimed('A', 900)], b: [claimed('B', 6_000)], c: [claimed('C', 39_000)] }
    const kills = [hit('kill', 'a', 1_000, 'A'), hit('kill', 'b', 7_000, 'B')]
    const found = judge(ledgers, received, kills)
    expect(found).toMatchObject({ slowestResendMs: 39_000, slowestOfFirstMs: 5_000 })
  })

  it('does not count what was stored before the kill', () => {
    const ledger = [claimed('A', 900), recorded('A', 995)]
    const found = judge({ a: ledger }, [request('a', 950)], [hit('kill', 'a', 1_000, 'A')])
    expect(found).toMatchObject({ inFlight: [0], slowestResendMs: 0 })
  })
})

describe('outcomes of lost claims', () => {
  const received = [request('a', 990, { answered: 9_000 }), request('b', 6_000)]
  const froze = [hit('freeze', 'a', 1_000, 'A')]
  const b = [claimed('B', 6_000), recorded('B', 6_100)]

  it('are stale when the store applied them after the row had been claimed again', () => {
    const found = judge({ a: [claimed('A', 900), recorded('A', 9_000)], b }, received, froze)
    expect(found).toMatchObject({ stale: 1, woken: { late: 0, applied: 1, silent: 0 } })
  })

  it('are counted when the store took them as late', () => {
    const told = recorded('A', 9_000, { succeeded: false, result: 'late' })
    const found = judge({ a: [claimed('A', 900), told], b }, received, froze)
    expect(found).toMatchObject({ stale: 0, lateFailures: 1, lateSuccesses: 0 })
    expect(found.woken).toEqual({ late: 1, applied: 0, silent: 0 })
  })

  it('are missed when the worker tells nothing', () => {
    expect(judge({ a: [claimed('A', 900)], b }, received, froze).woken.silent).toBe(1)
  })
})

describe('requests before their time', () => {
  const events = new Map([['evt_1', { at: 1_000, delayMs: 700 }]])
  const early = (group: readonly Received[], explained = false) =>
    tooEarly([group], events, () => explained).map(({ at }) => at)

  it('finds a first request before its event is due', () => {
    expect(early([request('a', 1_699)])).toEqual([1_699])
    expect(early([request('a', 1_700)])).toEqual([])
  })

  it('finds a retry that comes sooner after the failure than the schedule says', () => {
    const failed = request('a', 2_000, { status: 500, answered: 2_010 })
    expect(early([failed, request('a', 3_009)])).toEqual([3_009])
    expect(early([failed, request('a', 3_010)])).toEqual([])
    expect(early([failed, request('b', 3_009)], true)).toEqual([])
  })
})

describe('history', () => {
  it('finds an attempt that followed a success and was no late one', () => {
    const success = { number: 1, outcome: 'succeeded', late: false } as const
    expect(wentOn([success, { number: 2, outcome: 'failed', late: true }])).toBe(false)
    expect(wentOn([success, { number: 2, outcome: 'failed', late: false }])).toBe(true)
  })

  it('finds a delivery that had ended and is pending again', async () => {
    const ended = { id: 'dlv_1', state: 'succeeded', reason: null, endedAt: 5 } as DeliveryRecord
    const again = { ...ended, state: 'pending', endedAt: null } as DeliveryRecord
    const answers = [[ended], [again]]
    const store = {
      listDeliveries: async () => ({ rows: answers.shift() ?? [] }),
      listAttempts: async () => ({ rows: [] }),
    }
    const watch = watchHistory(store as never)
    await watch.look()
    expect(await watch.close()).toEqual({ unfinished: 1, misnumbered: 0, changed: 1 })
  })
})
