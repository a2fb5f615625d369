/** What becomes of outcomes that the store does not take, and of their neighbours in the batch. */
import { describe, expect, it } from 'vitest'
import { createRecorder } from '../../src/delivery/record.ts'
import { PosthornError } from '../../src/errors.ts'
import type { Parts } from '../../src/parts.ts'
import type { Outcome, Recorded } from '../../src/queries.ts'
import { manualClock } from '../../src/testing/index.ts'

const lost = () =>
  new PosthornError('STORE_FAILED', 'the connection was lost before it answered', { outcomeUnknown: true })

/** What `patience` adds up to, and more. */
const TIRED_MS = 60_000

/** A store that loses its connection over some batches, answers every other question, and notes the batches it was given. */
function setup(breaks: (ids: readonly string[], at: number) => boolean) {
  const clock = manualClock()
  const batches: { readonly ids: readonly string[]; readonly at: number; readonly excerpts: number }[] = []
  const stored: string[] = []
  const problems: PosthornError[] = []
  const store = {
    name: 'test',
    now: async () => clock.now(),
    record: async (outcomes: readonly Outcome[]) => {
      const ids = outcomes.map(({ attempt }) => attempt?.id ?? '')
      const excerpts = outcomes.filter(({ attempt }) => attempt?.excerpt !== null).length
      batches.push({ ids, at: clock.monotonic(), excerpts })
      if (breaks(ids, clock.monotonic())) throw lost()
      stored.push(...ids)
      return ids.map((id) => ({ result: 'recorded', delivery: null, attempt: { id } }))
    },
  }
  const report = { problem: (_during: string, error: PosthornError) => problems.push(error) }
  const recorder = createRecorder({ store, clock, random: () => 0, report } as unknown as Parts)
  const settled = new Map<string, Recorded | null>()
  /** Outcomes of the same moment, which are one batch. */
  async function record(count: number) {
    const ids = Array.from({ length: count }, (_, nth) => `a${nth}`)
    for (const id of ids) {
      const outcome = { attempt: { id, excerpt: 'ok' } } as unknown as Outcome
      void recorder.record(outcome, null, false).then((recorded) => settled.set(id, recorded))
    }
    await clock.advance(1)
    return ids
  }
  const triesOf = (...ids: string[]) => batches.filter((batch) => batch.ids.join() === ids.join()).length
  return { clock, batches, stored, problems, record, settled, triesOf }
}

describe('a batch of outcomes that its connection is lost of', () => {
  it('is halved, however small it has to be, and every outcome is stored once', async () => {
    const { clock, batches, stored, problems, record, triesOf } = setup((ids) => ids.length > 1)
    const ids = await record(8)
    await clock.advance(TIRED_MS)
    expect(stored).toEqual(ids)
    expect(problems).toEqual([])
    expect(triesOf(...ids)).toBe(3)
    // Each of its 7 groups of two or more is told three times, each single one once.
    expect(batches.map((batch) => batch.ids.length).sort()).toEqual([
      ...Array(8).fill(1),
      ...Array(12).fill(2),
      ...Array(6).fill(4),
      ...Array(3).fill(8),
    ])
  })

  it('is halved until the guilty one stands alone, which is given up without its neighbours', async () => {
    const { clock, stored, problems, record, settled, batches, triesOf } = setup((ids) => ids.includes('a5'))
    const ids = await record(8)
    await clock.advance(TIRED_MS)
    expect(stored.sort()).toEqual(ids.filter((id) => id !== 'a5'))
    expect([...settled].map(([id, recorded]) => [id, recorded?.attempt?.id])).toEqual(
      ids.map((id) => [id, id === 'a5' ? undefined : id]),
    )
    expect(problems).toMatchObject([{ code: 'STORE_FAILED', cause: { outcomeUnknown: true } }])
    // As often as an outage is waited for, and a last time without its excerpt.
    expect(triesOf('a5')).toBe(12)
    expect(batches.filter(({ excerpts }) => excerpts === 0)).toEqual([
      expect.objectContaining({ ids: ['a5'] }),
    ])
  })
})

describe('a connection that is lost', () => {
  it('is waited for with a single outcome', async () => {
    const { clock, batches, stored, problems, record } = setup((_ids, at) => at < 10_000)
    const ids = await record(1)
    await clock.advance(9_000)
    expect(stored).toEqual([])
    await clock.advance(TIRED_MS)
    expect(stored).toEqual(ids)
    expect(problems).toEqual([])
    expect(batches.length).toBeGreaterThan(3)
  })

  it('is waited for by the first outcome alone when there are more', async () => {
    const { clock, batches, stored, record, triesOf } = setup((_ids, at) => at < 10_000)
    const ids = await record(4)
    await clock.advance(TIRED_MS)
    expect(stored).toEqual(ids)
    expect([triesOf(...ids), triesOf('a0', 'a1')]).toEqual([3, 3])
    expect(triesOf('a0')).toBeGreaterThan(3)
    const [first] = batches.filter(({ ids }) => ids.length === 1)
    expect(first?.at).toBeLessThan(1_000)
  })
})
