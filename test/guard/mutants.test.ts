/** The mutation check: every guard that has been weakened in one place must fail one of the cases. */
import ipaddr from 'ipaddr.js'
import { describe, expect, it } from 'vitest'
import { createGuard, type GuardRules, guardRules } from '../../src/guard/address-guard.ts'
import { parseAddress } from '../../src/guard/blocks.ts'
import { policyOf } from '../../src/guard/policy.ts'
import { corpusCases, judged, ownCases } from './cases.ts'

const cases = [...corpusCases, ...ownCases]

interface Mutant {
  readonly name: string
  readonly rules: GuardRules
}

const without = <Key extends 'text' | 'url' | 'address' | 'unwraps'>(key: Key): Mutant[] =>
  guardRules[key].map(({ name }) => ({
    name: `without ${key} rule "${name}"`,
    rules: { ...guardRules, [key]: guardRules[key].filter((rule) => rule.name !== name) },
  }))

/** Rules behind which another one refuses the same: they say it in better words, or say of what kind an address is. */
const doubled = new Set([
  ...['absolute', 'userinfo', 'percent'].map((name) => `without text rule "${name}"`),
  ...[
    ...[
      'ipv4 broadcast',
      'ipv6 6to4',
      'ipv6 teredo',
      'ipv6 benchmarking',
      'ipv6 amt',
      'ipv6 deprecatedOrchid',
    ],
    ...['ipv6 orchid2', 'ipv6 droneRemoteIdProtocolEntityTags'],
  ].map((name) => `without address rule "${name}"`),
])

const kinds = (from: string, to: 'public' | 'private'): Mutant => ({
  name: `${from} counts as ${to}`,
  rules: {
    ...guardRules,
    address: guardRules.address.map((rule) => (rule.kind === from ? { ...rule, kind: to } : rule)),
  },
})

const mutants: readonly Mutant[] = [
  ...[...without('text'), ...without('url'), ...without('address'), ...without('unwraps')].filter(
    ({ name }) => !doubled.has(name),
  ),
  kinds('loopback', 'public'),
  kinds('private', 'public'),
  kinds('metadata', 'public'),
  kinds('metadata', 'private'),
  kinds('reserved', 'public'),
  kinds('reserved', 'private'),
  { name: 'one good answer is enough', rules: { ...guardRules, everyAnswer: (all, ok) => all.some(ok) } },
  {
    name: 'the first answer decides',
    rules: { ...guardRules, everyAnswer: (all, ok) => all.slice(0, 1).every(ok) && all.length > 0 },
  },
  {
    name: 'the last answer decides',
    rules: { ...guardRules, everyAnswer: (all, ok) => all.slice(-1).every(ok) && all.length > 0 },
  },
  {
    name: 'ipaddr.js reads the answers by itself',
    rules: {
      ...guardRules,
      parse: (text) => (ipaddr.isValid(String(text)) ? ipaddr.parse(String(text)) : null),
    },
  },
  {
    name: 'IPv6 answers are read by ipaddr.js',
    rules: {
      ...guardRules,
      parse: (text) => parseAddress(text) && ipaddr.parse(String(text)),
    },
  },
  {
    name: 'a zone is left out',
    rules: { ...guardRules, parse: (text) => parseAddress(String(text).replace(/%.*/, '')) },
  },
  { name: 'a wide block opens metadata', rules: { ...guardRules, opensMetadata: () => true } },
  { name: 'no block opens metadata', rules: { ...guardRules, opensMetadata: () => false } },
  {
    name: 'only a single address opens metadata',
    rules: {
      ...guardRules,
      opensMetadata: ([first, length]) => length === 8 * first.toByteArray().length,
    },
  },
  { name: 'answers are not judged', rules: { ...guardRules, everyAnswer: (all) => all.length > 0 } },
]

async function firstDisagreement(rules: GuardRules): Promise<string | null> {
  for (const one of cases) {
    const guard = createGuard(policyOf(one.options), rules)
    if ((await judged(guard, one)) !== one.allowed) return one.id
  }
  return null
}

/** Policies that forget one of their options. */
const forgotten = [
  'allowCidrs',
  'denyCidrs',
  'allowHosts',
  'denyHosts',
  'allowPorts',
  'denyPorts',
  'allowHttp',
] as const

describe('a weakened guard is caught', () => {
  it('and the whole one passes', async () => {
    expect(await firstDisagreement(guardRules)).toBeNull()
  })

  it('in more than sixty ways', () => {
    expect(mutants.length + forgotten.length).toBeGreaterThan(60)
  })

  it.each(mutants)('$name', async ({ rules }) => {
    expect(await firstDisagreement(rules)).not.toBeNull()
  })

  it.each(forgotten)('that forgets %s', async (option) => {
    const caught: string[] = []
    for (const one of cases) {
      const { [option]: _forgotten, ...rest } = one.options
      const guard = createGuard(policyOf(rest), guardRules)
      if ((await judged(guard, one)) !== one.allowed) caught.push(one.id)
    }
    expect(caught).not.toEqual([])
  })
})
