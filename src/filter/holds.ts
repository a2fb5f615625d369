/** Asks a checked filter about an event. Never throws, never calls into the data, looks only at its own properties. */
import type { Filterable } from '../filter.ts'
import type { FilterNode, Place, Scalar, Test } from './node.ts'

/** True when the filter takes the event. */
export function holds(node: FilterNode, event: Filterable): boolean {
  if ('all' in node) return node.all.every((one) => holds(one, event))
  if ('any' in node) return node.any.some((one) => holds(one, event))
  if ('not' in node) return !holds(node.not, event)
  return passes(node.test, valueAt(node.test.place, event))
}

/** Undefined where there is no value. */
function valueAt(place: Place, event: Filterable): unknown {
  if (place.in === 'type') return event.type
  if (place.in === 'metadata') return own(event.metadata, place.key)
  return place.steps.reduce(own, event.data())
}

function own(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) return /^(0|[1-9]\d{0,8})$/.test(key) ? value[Number(key)] : undefined
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined
}

function passes({ operator, operand }: Test, value: unknown): boolean {
  switch (operator) {
    case 'eq':
      return value === operand
    case 'ne':
      return value !== operand
    case 'in':
      return (operand as readonly unknown[]).includes(value)
    case 'nin':
      return !(operand as readonly unknown[]).includes(value)
    case 'exists':
      return (value !== undefined) === operand
    case 'prefix':
      return typeof value === 'string' && value.startsWith(operand as string)
    case 'suffix':
      return typeof value === 'string' && value.endsWith(operand as string)
    default:
      return compares(operator, value, operand as Scalar)
  }
}

function compares(operator: 'gt' | 'gte' | 'lt' | 'lte', value: unknown, operand: Scalar): boolean {
  const alike =
    (typeof value === 'number' && typeof operand === 'number') ||
    (typeof value === 'string' && typeof operand === 'string')
  if (!alike) return false
  const [left, right] = [value as string, operand as string]
  if (operator === 'gt') return left > right
  if (operator === 'gte') return left >= right
  return operator === 'lt' ? left < right : left <= right
}
