/** Concurrent publishes share a statement, and never an error. */
import { describe, expect, it } from 'vitest'
import { createTogether } from '../../src/delivery/together.ts'
import { PosthornError } from '../../src/errors.ts'
import type { Appended } from '../../src/queries.ts'
import type { NewEvent } from '../../src/records.ts'
import type { Store } from '../../src/store.ts'

const eventOf = (id: string) => ({ id, type: 'a', body: `"${id}"`, occurredAt: 0 }) as NewEvent

interface Behaviour {
  /** Batches with one of these are refused. */
  readonly guilty?: readonly string[]
  /** The answer to so many appends is lost, although they have stored. */
  readonly lostAnswers?: number
  readonly down?: boolean
  readonly refusal?: Error
}

/** A store that behaves so, and the sizes of the batches that it was given. */
function setup({
  guilty = [],
  lostAnswers = 0,
  down = false,
  refusal = new Error('refused'),
}: Behaviour = {}) {
  const stored = new Map<string, NewEvent>()
  const batches: number[] = []
  const gates: (() => void)[] = []
  const state = { held: false, inFlight: 0, most: 0 }
  const store = {
    name: 'test',
    now: async () => {
      if (down) throw new Error('down')
      return 0
    },
  } as unknown as Store<unknown>
  const join = createTogether(store, async (events) => {
    batches.push(events.length)
    state.inFlight += 1
    state.most = Math.max(state.most, state.inFlight)
    if (state.held) await new Promise<void>((resolve) => gates.push(resolve))
    state.inFlight -= 1
    if (down || events.some(({ id }) => guilty.includes(id))) throw refusal
    const appended = events.map((event) => {
      const known = stored.get(event.id)
      stored.set(event.id, known ?? event)
      return { event: known ?? event, duplicate: known !== undefined } as unknown as Appended
    })
    if (batches.length <= lostAnswers) throw new Error('the connection was lost')
    return appended
  })
  const publish = (count: number) =>
    Promise.allSettled(Array.from({ length: count }, (_, nth) => join(eventOf(`e${nth}`))))
  return { join, publish, batches, gates, state }
}

const refusedOf = (results: readonly PromiseSettledResult<unknown>[]) =>
  results.flatMap(({ status }, nth) => (status === 'rejected' ? [`e${nth}`] : []))

describe('publishes at the same time', () => {
  it('share one statement', async () => {
    const { publish, batches } = setup()
    expect(refusedOf(await publish(100))).toEqual([])
    expect(batches).toEqual([100])
  })

  it('get each their own answer', async () => {
    const { join } = setup()
    const both = await Promise.all([join(eventOf('a')), join(eventOf('b'))])
    expect(both).toMatchObject([
      { event: { id: 'a' }, duplicate: false },
      { event: { id: 'b' }, duplicate: false },
    ])
  })

  it('find what a lost answer had stored again, and it is no duplicate', async () => {
    const { publish } = setup({ lostAnswers: 3 })
    const results = await publish(10)
    expect(refusedOf(results)).toEqual([])
    for (const result of results) expect(result).toMatchObject({ value: { duplicate: false } })
  })

  it('are refused an id that is there already: it was given twice', async () => {
    const { join } = setup()
    await join(eventOf('a'))
    await expect(join(eventOf('a'))).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it.each([[['e0']], [['e99']], [['e31', 'e32']], [['e0', 'e50', 'e99']]])(
    'do not share an error: of 100 only %j are refused',
    async (guilty) => {
      const { publish, batches } = setup({ guilty })
      expect(refusedOf(await publish(100))).toEqual(guilty)
      // Halving looks at each guilty one about log₂(100) times, not at everybody alone.
      expect(batches.length).toBeLessThan(2 * 8 * guilty.length + 2)
    },
  )

  it('are told the cause, and how to go on', async () => {
    const { join } = setup({ guilty: ['a'] })
    await expect(join(eventOf('a'))).rejects.toMatchObject({
      code: 'STORE_FAILED',
      cause: { message: 'refused' },
      message: expect.stringContaining('same id'),
    })
  })

  it('pass an error of ours on as it is', async () => {
    const refusal = new PosthornError('STORE_FULL', 'The disk is full.')
    const { join } = setup({ guilty: ['a'], refusal })
    await expect(join(eventOf('a'))).rejects.toBe(refusal)
  })

  it('are refused at once by a store that is down, and not one by one', async () => {
    const { publish, batches } = setup({ down: true })
    expect(refusedOf(await publish(300))).toHaveLength(300)
    expect(batches).toEqual([300])
  })

  it('run in two statements at a time, of 500 events at most', async () => {
    const { publish, batches, gates, state } = setup()
    state.held = true
    const published = publish(1_300)
    const seen: number[] = []
    for (let round = 0; round < 3; round++) {
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(state.inFlight)
      gates.shift()?.()
    }
    expect(refusedOf(await Promise.race([published, drained(gates, published)]))).toEqual([])
    expect(seen).toEqual([2, 2, 1])
    expect(state.most).toBe(2)
    expect(batches).toEqual([500, 500, 300])
  })
})

/** Opens what is still held until all are through. */
async function drained<Result>(gates: (() => void)[], done: Promise<Result>): Promise<Result> {
  let over = false
  void done.finally(() => {
    over = true
  })
  while (!over) {
    for (const open of gates.splice(0)) open()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return done
}
