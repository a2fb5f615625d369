/** Fair shares in one process: which task starts next, and which lanes are given back to the store. */
import { describe, expect, it } from 'vitest'
import { createLanes, type Lanes } from '../../src/delivery/lanes.ts'
import type { Task } from '../../src/delivery/task.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'

function setup({ concurrency = 100, perSubscription = 10, perOrigin = 100 } = {}) {
  const clock = manualClock()
  const started: Task[] = []
  const lanes = createLanes({ concurrency, perSubscription, perOrigin }, clock, (task) => started.push(task))
  const add = (lane: string, count: number, origin = `https://${lane}.example`) => {
    for (let n = 0; n < count; n++) lanes.add({ lane, target: { origin } } as unknown as Task)
  }
  const of = (lane: string) => started.filter((task) => task.lane === lane)
  return { clock, lanes, started, add, of }
}

/** Its request has ended, and what came of it is stored. */
function end(lanes: Lanes, ...ended: Parameters<Lanes['done']>): void {
  lanes.done(...ended)
  lanes.free()
}

describe('lanes', () => {
  it('start the next of a subscription when a request ends, and no more of the process than what is stored makes room for', () => {
    const { lanes, started, add } = setup({ concurrency: 12 })
    add('a', 30)
    for (let n = 0; n < 10; n++) lanes.done(started[n] as Task, 5, false)
    expect([started.length, lanes.inFlight, lanes.waiting]).toEqual([12, 12, 18])
    for (let n = 0; n < 10; n++) lanes.free()
    expect([started.length, lanes.inFlight, lanes.waiting]).toEqual([20, 10, 10])
  })

  it('start first what is to go first, in its order, and what had waited after it', () => {
    const { lanes, started } = setup({ perSubscription: 1 })
    const task = (name: string) => ({ name, lane: 'a', target: { origin: 'o' } }) as unknown as Task
    for (const name of ['begun', 'second', 'third']) lanes.add(task(name))
    for (const name of ['lost', 'lost, too']) lanes.add(task(name), true)
    for (let n = 0; n < 3; n++) end(lanes, started[n] as Task, 5, false)
    lanes.add(task('lost later'), true)
    for (let n = 3; n < 5; n++) end(lanes, started[n] as Task, 5, false)
    const names = started.map((one) => (one as unknown as { name: string }).name)
    expect(names).toEqual(['begun', 'lost', 'lost, too', 'second', 'lost later', 'third'])
  })

  it('start no more than the share of a subscription, of an origin and of the process', () => {
    const bySubscription = setup()
    bySubscription.add('a', 50)
    expect(bySubscription.started).toHaveLength(10)
    const byOrigin = setup({ perOrigin: 15 })
    for (const lane of ['a', 'b', 'c']) byOrigin.add(lane, 10, 'https://one.example')
    expect(byOrigin.started).toHaveLength(15)
    const byProcess = setup({ concurrency: 12 })
    for (const lane of ['a', 'b']) byProcess.add(lane, 10)
    expect(byProcess.started).toHaveLength(12)
  })

  it('take turns: what came first does not come first for ever', () => {
    const { lanes, started, add, of } = setup({ concurrency: 4 })
    add('a', 40)
    add('b', 40)
    for (let n = 0; n < 40; n++) end(lanes, started[n] as Task, 5, false)
    expect(of('a').length).toBeGreaterThan(15)
    expect(of('b').length).toBeGreaterThan(15)
  })

  it('keep what quick receivers will have taken soon, however much it is', () => {
    const { lanes, started, add } = setup()
    add('a', 1_000)
    for (let n = 0; n < 100; n++) end(lanes, started[n] as Task, 200, false)
    expect(lanes.takeStuck()).toEqual([])
  })

  it('give back what a slow receiver will not have taken within five seconds', () => {
    const { lanes, started, add } = setup()
    add('slow', 1_000)
    add('quick', 500)
    for (let n = 0; n < 10; n++) end(lanes, started[n] as Task, 1_000, false)
    const given = lanes.takeStuck()
    expect(new Set(given.map(({ lane }) => lane))).toEqual(new Set(['slow']))
    // Ten in flight, a second each: fifty in five seconds; ten have ended and ten more have started.
    expect(given).toHaveLength(1_000 - 20 - 50)
    expect(lanes.takeStuck()).toEqual([])
  })

  it('take a silent receiver for slow after a second, and give it one request at a time after three deadlines', async () => {
    const { clock, lanes, started, add } = setup()
    add('silent', 500)
    await clock.advance(999)
    expect(lanes.takeStuck()).toEqual([])
    await clock.advance(4_001)
    expect(lanes.takeStuck()).toHaveLength(500 - 10 - 10)
    for (let n = 0; n < 3; n++) end(lanes, started[n] as Task, 5_000, true)
    const before = started.length
    for (let n = 3; n < 10; n++) end(lanes, started[n] as Task, 5_000, true)
    expect(started.length - before).toBeLessThanOrEqual(1)
  })

  it('ask for as much of a quick receiver as it is soon through with, and remember its pace while it is empty', () => {
    const { lanes, started, add } = setup()
    add('quick', 20)
    expect(lanes.shares().get('quick')).toBe(0)
    for (let n = 0; n < 20; n++) end(lanes, started[n] as Task, 50, false)
    expect(lanes.shares().get('quick')).toBe(20)
    add('quick', 12)
    expect(lanes.shares().get('quick')).toBe(8)
    for (let n = 20; n < 32; n++) end(lanes, started[n] as Task, 0.1, false)
    expect(lanes.shares().get('quick')).toBeLessThanOrEqual(250)
    expect(lanes.shares().get('quick')).toBeGreaterThan(20)
  })

  it('ask for no more than the share of a slow receiver, of a silent one, and of one that times out', async () => {
    const { clock, lanes, started, add } = setup()
    add('slow', 10)
    for (let n = 0; n < 10; n++) end(lanes, started[n] as Task, 400, false)
    expect(lanes.shares().get('slow')).toBe(10)
    add('silent', 10)
    for (let n = 10; n < 20; n++) end(lanes, started[n] as Task, 1, false)
    expect(lanes.shares().get('silent')).toBe(250)
    add('silent', 4)
    await clock.advance(1_500)
    expect(lanes.shares().get('silent')).toBe(6)
    for (let n = 20; n < 24; n++) end(lanes, started[n] as Task, 15_000, true)
    expect(lanes.shares().get('silent')).toBe(1)
  })

  it('remember the paces of so many', () => {
    const { lanes, started, add } = setup()
    for (let n = 0; n < 1_500; n++) {
      add(`lane-${n}`, 1)
      end(lanes, started[n] as Task, 20, false)
    }
    expect(lanes.shares().size).toBe(1_000)
    expect(lanes.shares().has('lane-1499')).toBe(true)
    expect(lanes.shares().has('lane-0')).toBe(false)
  })

  it('remember the timeouts of so many: destinations that a tenant makes up do not add up for ever', () => {
    const { lanes, started, add } = setup()
    const timeOut = (lane: string) => {
      add(lane, 1)
      end(lanes, started.at(-1) as Task, 15_000, true)
    }
    for (let n = 0; n < 3; n++) for (const lane of ['first', 'last']) timeOut(lane)
    for (let n = 0; n < 9_999; n++) timeOut(`made-up-${n}`)
    const before = started.length
    add('last', 10)
    expect(started.length - before).toBe(1)
    add('first', 10)
    expect(started.length - before).toBe(11)
  })

  it('learn nothing from what was not sent', () => {
    const { lanes, started, add } = setup()
    add('dead', 60)
    for (let n = 0; n < 3; n++) end(lanes, started[n] as Task, 15_000, true)
    for (let n = 3; n < started.length; n++) end(lanes, started[n] as Task, null, false)
    expect(started.length).toBe(60)
    expect(lanes.shares().get('dead')).toBe(1)
  })

  it('ask for no more than the share of quick receivers whose origin is taken by others, and give back what they wait with', async () => {
    const { clock, lanes, started, add } = setup({ perOrigin: 20 })
    const origin = 'https://one.example'
    add('quick', 1, origin)
    end(lanes, started[0] as Task, 1, false)
    expect(lanes.shares().get('quick')).toBe(250)
    for (const lane of ['first', 'second']) add(lane, 10, origin)
    add('quick', 200, origin)
    expect(lanes.inFlight).toBe(20)
    expect(lanes.shares().get('quick')).toBe(0)
    await clock.advance(2_000)
    expect(lanes.takeStuck().map(({ lane }) => lane)).toEqual(new Array(175).fill('quick'))
  })
})
