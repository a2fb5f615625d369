/** No more at once than allowed, in the order of asking, and a place is never lost. */
import { describe, expect, it } from 'vitest'
import { createFewAtOnce } from '../../src/delivery/few-at-once.ts'

function setup(most: number) {
  const inTurn = createFewAtOnce(most)
  const begun: number[] = []
  const ends: { resolve: () => void; reject: (cause: unknown) => void }[] = []
  const run = (n: number) =>
    inTurn(() => {
      begun.push(n)
      return new Promise<void>((resolve, reject) => {
        ends[n] = { resolve, reject }
      })
    })
  return { begun, ends, run }
}

describe('few at once', () => {
  it('starts as many as allowed, and the others in their order as places come free', async () => {
    const { begun, ends, run } = setup(2)
    const all = [0, 1, 2, 3].map(run)
    await Promise.resolve()
    expect(begun).toEqual([0, 1])
    ends[1]?.resolve()
    await all[1]
    expect(begun).toEqual([0, 1, 2])
    ends[0]?.resolve()
    await all[0]
    expect(begun).toEqual([0, 1, 2, 3])
    for (const n of [2, 3]) ends[n]?.resolve()
    await Promise.all(all)
  })

  it('gives a place on when its work fails, and the failure to whoever asked', async () => {
    const { begun, ends, run } = setup(1)
    const first = run(0)
    const second = run(1)
    await Promise.resolve()
    ends[0]?.reject(new Error('no'))
    await expect(first).rejects.toThrow('no')
    ends[1]?.resolve()
    await second
    expect(begun).toEqual([0, 1])
    const third = run(2)
    await Promise.resolve()
    expect(begun).toEqual([0, 1, 2])
    ends[2]?.resolve()
    await third
  })
})
