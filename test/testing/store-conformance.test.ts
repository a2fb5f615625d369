/**
 * The memory store passes the conformance kit. Any runner will do:
 *
 * node:test, bun:test   for (const c of storeConformance(make)) test(c.name, (t) => c.run(t))
 * jest                  test.each(storeConformance(make))('$group: $name', (c) => c.run())
 */
import { describe, expect, test } from 'vitest'
import { storeConformance } from '../../src/testing/index.ts'
import { makeMemoryStore } from './memory-store.ts'

const cases = storeConformance(makeMemoryStore)

describe('memoryStore', () => {
  for (const conformance of cases) {
    test(`${conformance.group}: ${conformance.name}`, (context) => conformance.run(context))
  }
})

describe('the kit', () => {
  test('has a name of its own for every case', () => {
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length)
    expect(cases.length).toBeGreaterThanOrEqual(150)
  })

  test('skips cases that need a clock or a transaction, with the reason', async () => {
    const bare = storeConformance(async () => {
      const { store } = await makeMemoryStore()
      return { store }
    })
    const reasons = new Set<string>()
    for (const conformance of bare) {
      await conformance.run({ skip: (reason = '') => reasons.add(reason) }).catch(() => undefined)
    }
    expect([...reasons].sort()).toEqual([
      'it needs a transaction of the caller: give `transaction`',
      'it needs time to pass: give makeStore a store with a manualClock()',
    ])
  })

  test('refuses a skip without a reason, and one of an unknown case', async () => {
    const [first] = cases
    const name = first?.name ?? ''
    const withSkip = (skip: Record<string, string>) =>
      storeConformance(async () => ({ ...(await makeMemoryStore()), skip }))[0]?.run()
    await expect(withSkip({ [name]: ' ' })).rejects.toThrow('no reason')
    await expect(withSkip({ 'no such case': 'why' })).rejects.toThrow('does not exist')
  })
})
