/** What the guard and the transports remember of URLs: bounded, however long and many they are. */
import { expect, it } from 'vitest'
import { createGuard, guardRules } from '../../src/guard/address-guard.ts'
import { policyOf } from '../../src/guard/policy.ts'
import { createTargets } from '../../src/transports/request-head.ts'

const long = (n: number, length: number) => `https://example.com/${n}/`.padEnd(length, 'x')

/** A guard that says which URLs it has judged anew. */
function countingGuard() {
  const judged: string[] = []
  const [first, ...rest] = guardRules.text
  const counting = {
    name: 'counting',
    refuses: ({ text }: { readonly text: string }) => {
      judged.push(text)
      return null
    },
  }
  const text = first === undefined ? [] : [counting, first, ...rest]
  return { judged, guard: createGuard(policyOf({}), { ...guardRules, text }) }
}

it('the guard judges a URL once, and keeps none that is longer than any may be', () => {
  const { judged, guard } = countingGuard()
  const [fits, tooLong] = [long(0, 2048), long(0, 250_000)]
  for (const url of [fits, tooLong, fits, tooLong]) guard.judgeUrl(url)
  expect(judged).toEqual([fits, tooLong, tooLong])
})

it('the guard keeps two million characters of URLs at most', () => {
  const { judged, guard } = countingGuard()
  for (let n = 0; n < 1_000; n++) guard.judgeUrl(long(n, 2_000))
  guard.judgeUrl(long(0, 2_000))
  expect(judged).toHaveLength(1_000)
  guard.judgeUrl(long(1_000, 2_000))
  guard.judgeUrl(long(0, 2_000))
  expect(judged).toHaveLength(1_002)
})

it('a transport keeps the same of what it has read, also where no guard stands before it', () => {
  const targetOf = createTargets()
  expect(targetOf(long(0, 2_048))).toBe(targetOf(long(0, 2_048)))
  expect(targetOf(long(0, 2_049))).not.toBe(targetOf(long(0, 2_049)))
})

it('a refusal never repeats what was refused, however long it is', () => {
  const { guard } = countingGuard()
  for (const url of [
    long(0, 250_000),
    `https://${'a'.repeat(2_000)}/`,
    `https://${'b.'.repeat(500)}local/`,
  ]) {
    const verdict = guard.judgeUrl(url)
    expect(verdict.allowed).toBe(false)
    expect(JSON.stringify(verdict).length).toBeLessThan(250)
  }
})
