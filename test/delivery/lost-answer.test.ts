/** The answer to outcomes is lost on its way: what they did is told of once all the same, by hooks and statistics. */
import { describe, expect, it } from 'vitest'
import { withLostAnswer } from '../../src/delivery/lost-answer.ts'
import { PosthornError } from '../../src/errors.ts'
import { schedule } from '../../src/index.ts'
import type { Outcome, Recorded } from '../../src/queries.ts'
import type { Store } from '../../src/store.ts'
import { describeOnEach } from '../support/each-database.ts'

const ACME = { tenantId: 'acme' }

/** Loses the answers to the next calls of `record`: they are stored, and reject. */
function losing(store: Store<never>) {
  const state = { losses: 0 }
  const { record } = store
  store.record = async (outcomes) => {
    const recorded = await record.call(store, outcomes)
    if (state.losses === 0) return recorded
    state.losses -= 1
    throw new PosthornError('STORE_FAILED', 'lost before it answered', { outcomeUnknown: true })
  }
  return state
}

describeOnEach((setupOn) => {
  async function lab(answer: () => number, options: object = {}) {
    const told: string[] = []
    const made = await setupOn({
      ...{ answer, breaker: false, retry: schedule(['1h'], { jitter: 0 }) },
      hooks: {
        attempted: ({ attempt, state }) =>
          told.push(`attempt ${attempt.number} ${attempt.outcome}, ${state}`),
        ended: ({ state, attemptCount }) => told.push(`${state} after ${attemptCount}`),
      },
    })
    await made.subscribe('acme', options)
    const lost = losing(made.store as unknown as Store<never>)
    /** Publishes, and works until nothing is due; the answers to the next outcomes are lost. */
    const work = async (losses: number, events = 0) => {
      lost.losses = losses
      for (let nth = 0; nth < events; nth++) await made.webhooks.publish('order.paid', {}, ACME)
      const ended = made.webhooks.drain().then(() => 'ended')
      while ((await Promise.race([ended, made.clock.advance(2)])) !== 'ended');
    }
    const stats = async () => {
      const { attempts, deliveries } = await made.webhooks.stats(ACME)
      return { attempts, deliveries }
    }
    return { ...made, told, work, stats, lost }
  }

  it.each([1, 2, 3])('of a success (lost %i times)', async (losses) => {
    const { told, work, stats, lost } = await lab(() => 200)
    await work(losses, 1)
    expect(lost.losses).toBe(0)
    expect(told).toEqual(['attempt 1 succeeded, succeeded', 'succeeded after 1'])
    expect(await stats()).toMatchObject({ attempts: 1, deliveries: { succeeded: 1 } })
  })

  it('of several in a batch, each once', async () => {
    const { told, work, stats } = await lab(() => 200)
    await work(4, 5)
    expect(told.sort()).toEqual([
      ...Array(5).fill('attempt 1 succeeded, succeeded'),
      ...Array(5).fill('succeeded after 1'),
    ])
    expect(await stats()).toMatchObject({ attempts: 5, deliveries: { succeeded: 5 } })
  })

  it('of a failure that is tried again, and of the last one', async () => {
    const { told, work, stats, clock } = await lab(() => 500)
    await work(1, 1)
    expect(told).toEqual(['attempt 1 failed, pending'])
    await clock.advance(3_600_000)
    await work(1)
    expect(told.slice(1)).toEqual(['attempt 2 failed, failed', 'failed after 2'])
    expect(await stats()).toMatchObject({ attempts: 2, deliveries: { failed: 1 } })
  })
})

describe('what a repeated answer tells', () => {
  const attempt = { id: 'att_1', number: 2, late: false }
  const delivery = { id: 'dlv_1', state: 'succeeded', attemptCount: 2, endedAt: 5, updatedAt: 5 }
  const answer = (of: object = {}, made: object | null = {}) =>
    ({
      ...{ result: 'repeated', delivery: { ...delivery, ...of } },
      attempt: made === null ? null : { ...attempt, ...made },
    }) as unknown as Recorded
  const outcome = (next: string, made: object | null = { id: 'att_1' }) =>
    ({ delivery: { id: 'dlv_1' }, attempt: made, next: { state: next } }) as unknown as Outcome
  const told = (of: Outcome, recorded: Recorded) => withLostAnswer(of, recorded).result

  it.each([
    ['the end of its delivery', 'succeeded', {}, {}, 'recorded'],
    ['no end of what is open again', 'succeeded', { state: 'pending' }, {}, 'late'],
    ['no end by the attempt after it', 'pending', { attemptCount: 3 }, {}, 'late'],
    ['the end by a late success', 'succeeded', {}, { late: true }, 'recorded'],
    ['no end by a late success after another', 'succeeded', { endedAt: 4 }, { late: true }, 'late'],
  ])('%s', (_name, next, of, made, wanted) => {
    expect(told(outcome(next), answer(of, made))).toBe(wanted)
  })

  it('nothing of an outcome without an attempt, unless the delivery is the one that it made', () => {
    expect(told(outcome('failed', null), answer({ state: 'failed' }, null))).toBe('recorded')
    expect(told(outcome('failed', null), answer({ state: 'failed', id: 'dlv_0' }, null))).toBe('repeated')
  })

  it('nothing where the store does not say which attempt is there', () => {
    expect(told(outcome('succeeded'), answer({}, null))).toBe('repeated')
  })
})
