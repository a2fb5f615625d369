/** What filters mean, written down once more as plainly as can be, and random ones to compare with; made to hurt, too. */

/** A small generator (mulberry32), so that a failure can be seen again. */
export function chance(seed: number) {
  let state = seed
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const whole = (below: number) => Math.floor(next() * below)
  const pick = <T>(list: readonly T[]): T => list[whole(list.length)] as T
  return { whole, pick }
}
export type Chance = ReturnType<typeof chance>

const SCALARS = [null, true, false, 0, 1, -1, 2.5, 1e300, '', 'a', 'ab', 'b', 'é', '1', 'null'] as const
const KEYS = ['a', 'b', '0', '1', 'length', '__proto__', 'constructor'] as const

export function randomData({ whole, pick }: Chance, depth: number): unknown {
  const kind = depth === 0 ? 0 : whole(3)
  if (kind === 0) return pick(SCALARS)
  const parts = Array.from({ length: whole(4) }, () => randomData({ whole, pick }, depth - 1))
  if (kind === 1) return parts
  // Through JSON, as data comes: `__proto__` is then a property like any other.
  return JSON.parse(
    `{${parts.map((part) => `${JSON.stringify(pick(KEYS))}:${JSON.stringify(part)}`).join(',')}}`,
  )
}

export function randomFilter(random: Chance, depth: number): unknown {
  const { whole, pick } = random
  const part = () => randomFilter(random, depth - 1)
  switch (depth === 0 ? 3 : whole(6)) {
    case 0:
      return { and: Array.from({ length: 1 + whole(3) }, part) }
    case 1:
      return { or: Array.from({ length: 1 + whole(3) }, part) }
    case 2:
      return { not: part() }
    default: {
      const steps = Array.from({ length: whole(4) }, () => pick(KEYS))
      const path = pick([['data', ...steps].join('.'), 'type', `metadata.${pick(KEYS)}`])
      return { [path]: randomCondition(random) }
    }
  }
}

function randomCondition({ whole, pick }: Chance): unknown {
  const operator = pick(['eq', 'ne', 'in', 'nin', 'gt', 'gte', 'lt', 'lte', 'exists', 'prefix', 'suffix', ''])
  const number = pick([0, 1, -1, 2.5, 'a', 'ab', '1'])
  if (operator === '') return pick(SCALARS)
  if (operator === 'in' || operator === 'nin')
    return { [operator]: Array.from({ length: 1 + whole(4) }, () => pick(SCALARS)) }
  if (operator === 'exists') return { exists: whole(2) === 0 }
  if (operator === 'prefix' || operator === 'suffix') return { [operator]: pick(['', 'a', 'b', '1', 'nul']) }
  return { [operator]: operator === 'eq' || operator === 'ne' ? pick(SCALARS) : number }
}

export interface Subject {
  readonly type: string
  readonly metadata: Readonly<Record<string, string>>
  readonly data: unknown
}

/** The meaning, written down once more as plainly as can be. */
export function model(filter: Record<string, unknown>, subject: Subject): boolean {
  for (const [key, value] of Object.entries(filter)) {
    if (key === 'and') {
      if (!(value as Record<string, unknown>[]).every((one) => model(one, subject))) return false
    } else if (key === 'or') {
      if (!(value as Record<string, unknown>[]).some((one) => model(one, subject))) return false
    } else if (key === 'not') {
      if (model(value as Record<string, unknown>, subject)) return false
    } else {
      const found = find(key, subject)
      const conditions = typeof value === 'object' && value !== null ? value : { eq: value }
      for (const [operator, operand] of Object.entries(conditions))
        if (!one(operator, found, operand)) return false
    }
  }
  return true
}

/** The values there: none or one. */
function find(path: string, { type, metadata, data }: Subject): readonly unknown[] {
  if (path === 'type') return [type]
  const [root = '', ...steps] = path.split('.')
  let found: unknown = root === 'data' ? data : metadata
  if (root === 'data' && data === undefined) return []
  for (const step of steps) {
    const properties = new Map(typeof found === 'object' && found !== null ? Object.entries(found) : [])
    if (!properties.has(step)) return []
    found = properties.get(step)
  }
  return [found]
}

function one(operator: string, found: readonly unknown[], operand: unknown): boolean {
  const [value] = found
  const none = found.length === 0
  if (operator === 'exists') return none !== operand
  if (operator === 'ne') return none || value !== operand
  if (operator === 'nin') return none || !(operand as unknown[]).some((entry) => entry === value)
  if (none) return false
  if (operator === 'eq') return value === operand
  if (operator === 'in') return (operand as unknown[]).some((entry) => entry === value)
  if (operator === 'prefix' || operator === 'suffix') {
    const text = String(operand)
    if (typeof value !== 'string' || value.length < text.length) return false
    const part = operator === 'prefix' ? value.slice(0, text.length) : value.slice(value.length - text.length)
    return part === text
  }
  if (typeof value !== typeof operand || (typeof value !== 'number' && typeof value !== 'string'))
    return false
  const sign = value === operand ? 0 : (value as number) > (operand as number) ? 1 : -1
  return { gt: sign > 0, gte: sign >= 0, lt: sign < 0, lte: sign <= 0 }[operator] ?? false
}

/** Texts that make a backtracking matcher slow, were one used: the classic ones and their kin. */
export const HOSTILE_PATTERNS: readonly string[] = [
  ...['(a+)+$', '(a|aa)+$', '(.*a){20}', '^(\\w+\\s?)*$', '([a-z]+)*=', '(?:a?){30}a{30}', '\\', '[', '.*'],
  ...[
    '(a*)*$',
    '(a|a)*$',
    '(a|a?)+$',
    '((a+)*)*$',
    '^(a+)+b',
    '(x+x+)+y',
    '(.+)+$',
    '(.|\\s)*$',
    '([^a]*)*a',
  ],
  ...[
    '^(([a-z])+.)+[A-Z]([a-z])+$',
    '(\\d+)*-',
    '(\\s+)*$',
    '^\\s+|\\s+$',
    '(?=(a+))+b',
    '(a+?)+?$',
    '(a{1,100}){1,100}$',
  ],
  ...[
    '^(?:(?:a+)+)+$',
    '(ab|a)*c',
    '(a|b|ab)*c',
    '((ab)*)*c',
    '(\\w*)*@',
    '^([a-zA-Z0-9])(([-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}$',
  ],
  ...[
    '(<[^>]*>)*x',
    '("[^"]*")*x',
    '(\\{.*\\})*x',
    '^(.*?,){25}P',
    '(a.*)*b',
    '(.*)*(.*)*(.*)*b',
    '^(a?){50}a{50}$',
  ],
  ...[
    '(foo|foo.*)*bar',
    '(?:.*?)*z',
    '[\\s\\S]*[\\s\\S]*z',
    '(%[0-9a-f]{2})*$',
    '(\\u0061+)+$',
    'a**',
    '?',
    '+',
    '*',
  ],
  ...['$(a)', '(((((((((((', '))))', '{9999999}', '(?<=a+)+b'],
]
