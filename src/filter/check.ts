/** Turns a filter that comes from outside into a tree, or says where it is wrong. Everything about it is bounded. */

import { PosthornError } from '../errors.ts'
import { didYouMean } from '../input/closest.ts'
import { type FilterNode, OPERATORS, type Operator, type Place, type Scalar } from './node.ts'

const MAX_LEVELS = 8
const MAX_CONDITIONS = 100
const MAX_LIST = 100
const MAX_TEXT = 1_000
const MAX_PATH = 256
const MAX_STEPS = 16
/** Characters of all its texts and paths together. */
const MAX_CHARACTERS = 16_384

/** What is left of a filter's size. */
interface Budget {
  conditions: number
  characters: number
}

/** @throws PosthornError INVALID_FILTER */
export function checkFilter(filter: unknown, path: string): FilterNode {
  return checkLevel(filter, path, 1, { conditions: MAX_CONDITIONS, characters: MAX_CHARACTERS })
}

function checkLevel(filter: unknown, path: string, level: number, budget: Budget): FilterNode {
  if (level > MAX_LEVELS) throw invalid(path, `is nested more than ${MAX_LEVELS} levels deep`)
  const entries = entriesOf(filter, path)
  const nodes = entries.map(([key, value]) => checkEntry(key, value, path, level, budget))
  return { all: nodes }
}

function checkEntry(key: string, value: unknown, path: string, level: number, budget: Budget): FilterNode {
  const at = `${path}.${key.slice(0, MAX_PATH)}`
  if (key === 'not') return { not: checkLevel(value, at, level + 1, budget) }
  if (key === 'and' || key === 'or') {
    const nodes = listOf(value, at).map((one, index) => checkLevel(one, `${at}[${index}]`, level + 1, budget))
    return key === 'and' ? { all: nodes } : { any: nodes }
  }
  spend(key.length, at, budget)
  return checkConditions(placeOf(key, at), value, at, budget)
}

function checkConditions(place: Place, value: unknown, path: string, budget: Budget): FilterNode {
  const isCondition = typeof value === 'object' && value !== null
  const entries = isCondition ? entriesOf(value, path) : [['eq', value] as const]
  if (entries.length === 0) throw invalid(path, `needs an operator: ${OPERATORS.join(', ')}`)
  return {
    all: entries.map(([name, operand]) => {
      budget.conditions -= 1
      if (budget.conditions < 0)
        throw invalid(path, `is one too many: a filter has at most ${MAX_CONDITIONS} conditions`)
      const at = isCondition ? `${path}.${name.slice(0, 64)}` : path
      const operator = operatorOf(name, at)
      return { test: { operator, place, operand: operandOf(operator, operand, at, budget) } }
    }),
  }
}

function operatorOf(name: string, path: string): Operator {
  const operator = OPERATORS.find((known) => known === name)
  if (operator === undefined)
    throw invalid(
      path,
      `is no operator; known are ${OPERATORS.join(', ')}`,
      didYouMean(name.slice(0, 64), OPERATORS),
    )
  return operator
}

function operandOf(
  operator: Operator,
  operand: unknown,
  path: string,
  budget: Budget,
): Scalar | readonly Scalar[] {
  switch (operator) {
    case 'in':
    case 'nin':
      return listOf(operand, path).map((one, index) => scalarOf(one, `${path}[${index}]`, budget))
    case 'exists':
      if (typeof operand !== 'boolean') throw invalid(path, 'must be true or false')
      return operand
    case 'prefix':
    case 'suffix':
      if (typeof operand !== 'string') throw invalid(path, 'must be a text')
      return scalarOf(operand, path, budget)
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      if (typeof operand !== 'string' && typeof operand !== 'number')
        throw invalid(path, 'must be a number or a text')
      return scalarOf(operand, path, budget)
    default:
      return scalarOf(operand, path, budget)
  }
}

function scalarOf(value: unknown, path: string, budget: Budget): Scalar {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (typeof value !== 'string') throw invalid(path, 'must be a text, a finite number, true, false or null')
  if (value.length > MAX_TEXT) throw invalid(path, `must have at most ${MAX_TEXT} characters`)
  if (value.includes('\0') || /\p{Surrogate}/u.test(value))
    throw invalid(path, 'has a NUL or a lone surrogate, which a database cannot keep')
  spend(value.length, path, budget)
  return value
}

/** A filter is asked about every event: it stays small as a whole, too. */
function spend(characters: number, path: string, budget: Budget): void {
  budget.characters -= characters
  if (budget.characters < 0)
    throw invalid(path, `is too much: a filter has at most ${MAX_CHARACTERS} characters`)
}

function placeOf(key: string, path: string): Place {
  if (key.length > MAX_PATH) throw invalid(path, `is a path of more than ${MAX_PATH} characters`)
  if (key === 'type') return { in: 'type' }
  if (key === 'data') return { in: 'data', steps: [] }
  if (key.startsWith('metadata.') && key.length > 9) return { in: 'metadata', key: key.slice(9) }
  const steps = key.split('.').slice(1)
  if (!key.startsWith('data.') || steps.includes(''))
    throw invalid(path, 'is no path: use `type`, `metadata.<key>`, `data.<key>`, `and`, `or` or `not`')
  if (steps.length > MAX_STEPS) throw invalid(path, `has more than ${MAX_STEPS} steps`)
  return { in: 'data', steps }
}

function entriesOf(value: unknown, path: string): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(path, 'must be an object such as { "data.total": { "gte": 100 } }')
  return Object.entries(value)
}

function listOf(value: unknown, path: string): unknown[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_LIST)
    throw invalid(path, `must be a list of 1 to ${MAX_LIST}`)
  return Array.from(value)
}

function invalid(path: string, problem: string, hint = ''): PosthornError {
  return new PosthornError('INVALID_FILTER', `${path} ${problem}.${hint}`, { path })
}
