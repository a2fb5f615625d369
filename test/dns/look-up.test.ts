import { expect, test } from 'vitest'
import { createLookUp } from '../../src/dns/look-up.ts'
import type { Resolve } from '../../src/dns/resolve.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'

function setup() {
  const clock = manualClock()
  const begun: string[] = []
  const hangs: Resolve = (hostname) => {
    begun.push(hostname)
    return () => {}
  }
  return { clock, begun, lookUp: createLookUp(hangs, clock) }
}

test('a look-up that hangs ends, with those that wait behind it', async () => {
  const { clock, lookUp } = setup()
  const all = Promise.allSettled(Array.from({ length: 100 }, (_, n) => lookUp(`hung-${n}.example`, false)))
  await clock.advance(15_000)
  for (const result of await all) expect(result).toMatchObject({ reason: { code: 'ETIMEOUT' } })
})

test('whoever is no longer waited for leaves the queue', async () => {
  const { clock, begun, lookUp } = setup()
  const controllers = Array.from({ length: 50 }, () => new AbortController())
  const all = Promise.allSettled(
    controllers.map(({ signal }, n) => lookUp(`hung-${n}.example`, false, signal)),
  )
  for (const controller of controllers) controller.abort()
  for (const result of await all) expect(result).toMatchObject({ reason: { code: 'ETIMEOUT' } })
  await clock.advance(15_000)
  expect(begun).toHaveLength(6)
})
