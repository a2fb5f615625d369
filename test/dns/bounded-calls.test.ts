import { expect, test } from 'vitest'
import { boundedCalls, type Lookup } from '../../src/dns/bounded-calls.ts'

/** A look-up that ends when the test says so. */
function setup(atOnce: number) {
  const running = new Map<string, (error: Error | null) => void>()
  const begun: string[] = []
  let most = 0
  const lookup: Lookup = (hostname, _options, callback) => {
    expect(running.has(hostname), `${hostname} is asked for twice at once`).toBe(false)
    begun.push(hostname)
    running.set(hostname, (error) => {
      running.delete(hostname)
      callback(error, error === null ? [{ address: '192.0.2.1', family: 4 }] : [])
    })
    most = Math.max(most, running.size)
  }
  return { calls: boundedCalls(lookup, atOnce), running, begun, most: () => most }
}

const nothing = () => {}

test('regression: a call that was given up keeps its place until it has really ended', () => {
  const { calls, running, begun } = setup(2)
  for (const name of ['a', 'b']) calls(name, true, () => expect.unreachable())()
  const giveUps = Array.from({ length: 198 }, (_, n) => calls(`hung-${n}`, true, nothing))
  for (const giveUp of giveUps) giveUp()
  calls('good', true, nothing)
  expect(begun).toEqual(['a', 'b'])
  running.get('a')?.(null)
  expect([...running.keys()]).toEqual(['b', 'good'])
})

test('a name that is asked for again while its call runs waits for that call', () => {
  const { calls, running, begun } = setup(8)
  const found: number[] = []
  calls('slow', false, () => found.push(1))()
  calls('slow', false, () => found.push(2))
  calls('slow', false, () => found.push(3))
  running.get('slow')?.(null)
  expect({ found, begun }).toEqual({ found: [2, 3], begun: ['slow'] })
  calls('slow', false, nothing)
  expect(begun).toEqual(['slow', 'slow'])
})

test('names that never had an answer hold half of the places, however many of them hang', () => {
  const { calls, running, begun, most } = setup(8)
  for (let n = 0; n < 200; n++) calls(`hung-${n}`, false, nothing)
  let found = 0
  for (let n = 0; n < 100; n++) calls(`good-${n}`, true, () => found++)
  expect(running.size).toBe(8)
  for (let turn = 0; turn < 100; turn++)
    for (const [name, end] of running) if (name.startsWith('good')) end(null)
  expect(found).toBe(100)
  expect(most()).toBe(8)
  expect(begun.filter((name) => name.startsWith('hung'))).toHaveLength(4)
})

test('names that never had an answer get on beside a flood of those that had one', () => {
  const { calls, running, begun } = setup(2)
  for (let n = 0; n < 50; n++) calls(`good-${n}`, true, nothing)
  calls('new', false, nothing)
  expect([...running.keys()]).toEqual(['good-0', 'good-1'])
  running.get('good-0')?.(null)
  expect(begun.at(-1)).toBe('new')
})

test('a call that throws, or calls back twice, has ended once', () => {
  let turn = 0
  const calls = boundedCalls((_hostname, _options, callback) => {
    if (turn++ === 0) throw new Error('broken')
    callback(null, [{ address: '192.0.2.1', family: 4 }])
    callback(new Error('again'), [])
  }, 1)
  const found: (string | undefined)[] = []
  calls('a', false, (error) => found.push(error?.message))
  calls('b', false, (error, addresses) => found.push(error?.message ?? addresses[0]?.address))
  expect(found).toEqual(['broken', '192.0.2.1'])
})

test.each([
  ['nothing', [null]],
  ['a text', [null, '192.0.2.1']],
  ['no address in it', [null, [{ family: 4 }]]],
  ['an error that is none', ['ENOTFOUND', []]],
])('a call that calls back with %s has failed', (_what, result) => {
  const calls = boundedCalls((_hostname, _options, callback) => callback(...(result as [null, []])), 1)
  const found: unknown[] = []
  calls('a', false, (error, addresses) => found.push(error instanceof Error, addresses))
  expect(found).toEqual([true, []])
})

test('a call that returns a promise has failed when that rejects', async () => {
  const calls = boundedCalls((async () => Promise.reject(new Error('broken'))) as never, 1)
  const error = await new Promise((resolve) => calls('a', false, resolve))
  expect(error).toMatchObject({ message: 'broken' })
})
