/** Test 53: texts made to hurt, timed, and random filters of stored subscriptions against a plain model of their meaning. */

import { SECRET } from '../../../../src/cli/torture/settings.ts'
import { type Filter, matchesFilter } from '../../../../src/filter.ts'
import { chance, HOSTILE_PATTERNS, model, randomData, randomFilter } from '../../../support/filter-model.ts'
import type { Bench, Kind, Scenario } from '../../scenario.ts'
import { openStage } from '../../stage/stage.ts'
import { nonzero, succeeded } from '../../stage/verdict.ts'
import { noServer } from '../under-harm.ts'

const MAX_MS = 5
const EVENTS = 5
const LONG = 'a'.repeat(250_000)

/** The quickest of a few: what is left out is what else the machine does. */
function timed(filter: Filter, text: string): { readonly taken: boolean; readonly ms: number } {
  let ms = Number.POSITIVE_INFINITY
  let taken = false
  for (let round = 0; round < 3; round++) {
    const begun = performance.now()
    taken = matchesFilter(filter, { type: 'a', data: { text } })
    ms = Math.min(ms, performance.now() - begun)
  }
  return { taken, ms }
}

/** Every pattern as a text, every operator, three inputs; and the largest filter there can be. */
function hostile() {
  let slowestMs = 0
  let wrong = 0
  let runs = 0
  const see = (filter: Filter, text: string, expected: boolean): void => {
    const { taken, ms } = timed(filter, text)
    slowestMs = Math.max(slowestMs, ms)
    if (taken !== expected) wrong += 1
    runs += 1
  }
  for (const pattern of HOSTILE_PATTERNS) {
    for (const text of [LONG, `${LONG}!`, pattern]) {
      for (const operator of ['prefix', 'suffix', 'eq'] as const)
        see({ 'data.text': { [operator]: pattern } } as Filter, text, text === pattern)
    }
  }
  const parts = Array.from({ length: 100 }, (_, n) => ({
    'data.text': { suffix: `${n}`.padStart(150, 'a') },
  }))
  see({ or: parts } as Filter, LONG, false)
  return { slowestMs, wrong, runs }
}

async function stored(bench: Bench, kind: Kind, tenants: number, each: number) {
  const place = await bench.place(kind)
  if (place === null) return null
  const stage = await openStage(bench, place, 1)
  const random = chance(bench.seed)
  const expected = new Set<string>()
  const wanted = new Map<string, readonly Record<string, unknown>[]>()
  for (let tenant = 0; tenant < tenants; tenant++) {
    const tenantId = `tenant-${tenant}`
    const filters = Array.from({ length: each }, () => randomFilter(random, 3) as Record<string, unknown>)
    wanted.set(tenantId, filters)
    for (const [index, filter] of filters.entries()) {
      const url = `${stage.urls[0]}${tenantId}/${index}`
      await stage.webhooks.subscriptions.create({ tenantId, url, secret: SECRET, filter: filter as Filter })
    }
  }
  const sender = await stage.sender({ concurrency: 200, concurrencyPerOrigin: 200, timeoutMs: 15_000 })
  for (const [tenantId, filters] of wanted) {
    const subjects = Array.from({ length: EVENTS }, () => ({
      type: random.pick(['a', 'ab', 'order.paid']),
      metadata: { a: random.pick(['a', '1', '']) },
      data: randomData(random, 3),
    }))
    const published = await stage.webhooks.publishMany(subjects.map((subject) => ({ ...subject, tenantId })))
    for (const [nth, subject] of subjects.entries()) {
      for (const [index, filter] of filters.entries())
        if (model(filter, subject)) expected.add(`${published[nth]?.id} /${tenantId}/${index}`)
    }
  }
  const left = await stage.untilQuiet()
  await sender.end('SIGTERM')
  const got = new Set((await stage.arrivals()).filter(succeeded).map(({ id, path }) => `${id} ${path}`))
  return {
    filters: tenants * each,
    matches: expected.size,
    problems: nonzero({
      'left over': left,
      'not sent though it fits': [...expected].filter((key) => !got.has(key)).length,
      'sent though it does not fit': [...got].filter((key) => !expected.has(key)).length,
    }),
  }
}

export const filters: Scenario = {
  number: 53,
  name: 'filters',
  kinds: ['postgres'],
  async run(bench, kind) {
    const { slowestMs, wrong, runs } = hostile()
    const found = await stored(bench, kind, bench.full ? 100 : 2, bench.full ? 100 : 40)
    if (found === null) return noServer(kind)
    const idle = found.matches === 0 || found.matches === found.filters * EVENTS
    return {
      problems: [
        ...found.problems,
        ...nonzero({ 'hostile texts taken for something else': wrong }),
        ...(idle ? ['the filters told nothing apart'] : []),
        // Time is judged in the full run alone.
        ...(bench.full && slowestMs > MAX_MS ? [`a match took ${slowestMs} ms`] : []),
      ],
      figures: {
        ...{ 'hostile matches': runs, 'slowest ms': Math.round(1_000 * slowestMs) / 1_000 },
        ...{ filters: found.filters, matches: found.matches },
      },
    }
  },
}
