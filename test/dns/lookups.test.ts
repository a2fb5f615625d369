/** The order in which names are looked up, and how many at once: on a manual clock, by look-ups that end when the test says so. */
import { expect, test } from 'vitest'
import { boundedCalls } from '../../src/dns/bounded-calls.ts'
import { createLookups } from '../../src/dns/lookups.ts'
import type { Resolve } from '../../src/dns/resolve.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'

function setup(make?: (begun: string[]) => Resolve, keepMs = 0) {
  const open = new Map<string, () => void>()
  const begun: string[] = []
  let most = 0
  const cancellable: Resolve = (hostname, _ask, done) => {
    begun.push(hostname)
    open.set(hostname, () => {
      open.delete(hostname)
      done(null, [{ address: '192.0.2.1', family: 4 }])
    })
    most = Math.max(most, open.size)
    return () => open.delete(hostname)
  }
  const clock = manualClock()
  const resolve = make?.(begun) ?? cancellable
  const lookups = createLookups({ clock, timeoutMs: 5_000, keepMs, resolve })
  const results = new Map<string, string>()
  const find = (hostname: string, asSystem = false) =>
    lookups.find(hostname, asSystem, (error) =>
      results.set(hostname, error === null ? 'found' : 'code' in error ? String(error.code) : 'error'),
    )
  return { clock, open, begun, results, find, most: () => most }
}

const names = (what: string, count: number) => Array.from({ length: count }, (_, n) => `${what}-${n}`)

test('never more than eight are in progress, those of the system included', () => {
  const { open, find, results, most } = setup()
  for (const name of names('n', 50)) find(name)
  while (open.size > 0) for (const answer of [...open.values()]) answer()
  expect(results.size).toBe(50)
  // Two places are those of the system, which may still hold a call that nobody waits for.
  expect(most()).toBe(6)
})

test('a name that was given up begins among the slow ones for a minute, so that retries of dead names delay nobody', async () => {
  const { clock, open, begun, find, results } = setup()
  for (const name of names('dead', 6)) find(name)
  await clock.advance(20_000)
  expect(results.get('dead-0')).toBe('ETIMEOUT')
  begun.length = 0
  for (const name of names('dead', 6)) find(name)
  find('good')
  expect(begun).toEqual(['dead-0', 'dead-1', 'dead-2', 'good'])
  open.get('dead-0')?.()
  expect(begun.at(-1)).toBe('dead-3')
  begun.length = 0
  find('dead-0')
  expect(begun).toEqual(['dead-0'])
  await clock.advance(120_000)
  begun.length = 0
  for (const name of names('dead', 6)) find(name)
  expect(begun).toEqual(names('dead', 6))
})

test('a name that had an answer goes before those that are new', () => {
  const { open, begun, find } = setup()
  find('good')
  open.get('good')?.()
  for (const name of names('new', 20)) find(name)
  find('good')
  open.get('new-0')?.()
  expect(begun.at(-1)).toBe('good')
})

test('regression: where calls hang that cannot be given up, the others fail by their deadline', async () => {
  const calls = (begun: string[]) => boundedCalls((hostname) => void begun.push(hostname), 2)
  const { clock, begun, find, results } = setup((all) => {
    const call = calls(all)
    return (hostname, { answered }, done) => call(hostname, answered, done)
  })
  for (const name of names('hung', 20)) find(name)
  await clock.advance(60_000)
  expect(begun).toEqual(['hung-0'])
  expect(new Set(results.values())).toEqual(new Set(['ETIMEOUT']))
  expect(results.size).toBe(20)
})

test('what was found for a name with the search domains of the system is not the answer to the name as it stands', () => {
  const { open, begun, find } = setup(undefined, 5_000)
  find('redis.prod', true)
  open.get('redis.prod')?.()
  find('redis.prod', true)
  expect(begun).toHaveLength(1)
  find('redis.prod', false)
  expect(begun).toHaveLength(2)
})

test('an answer of more than 64 addresses is used and not remembered', () => {
  const many: (begun: string[]) => Resolve = (begun) => (hostname, _ask, done) => {
    begun.push(hostname)
    done(
      null,
      Array.from({ length: Number(hostname) }, () => ({ address: '192.0.2.1', family: 4 })),
    )
    return () => {}
  }
  const { begun, find, results } = setup(many, 60_000)
  for (const hostname of ['64', '65', '64', '65']) {
    results.delete(hostname)
    find(hostname)
    expect(results.get(hostname)).toBe('found')
  }
  expect(begun).toEqual(['64', '65', '65'])
})
