/** FastAPI's answer to bad input, `{ detail: [{ loc, msg, type }] }`, made from what zod finds. */
import type { z } from 'zod'

/** One entry of `detail`. */
export interface Violation {
  readonly loc: readonly (string | number)[]
  readonly msg: string
  readonly type: string
}

/** Bad input, to be answered with 422. */
export class Unprocessable extends Error {
  readonly detail: readonly Violation[]

  constructor(
    place: 'body' | 'query' | 'path' | readonly Violation[],
    field = '',
    msg = '',
    type = 'value_error',
  ) {
    super('Unprocessable')
    this.detail = typeof place === 'string' ? [{ loc: [place, field], msg, type }] : place
  }
}

/** The results of all the checks. @throws Unprocessable with everything that they found */
export function checkAll<Results extends readonly unknown[]>(
  ...checks: { readonly [Index in keyof Results]: () => Results[Index] }
): Results {
  const detail: Violation[] = []
  const results: unknown[] = []
  for (const check of checks) {
    try {
      results.push(check())
    } catch (error) {
      if (!(error instanceof Unprocessable)) throw error
      detail.push(...error.detail)
    }
  }
  if (detail.length > 0) throw new Unprocessable(detail)
  return results as unknown as Results
}

/** A whole number of the path or query. @throws Unprocessable */
export function numberIn(
  place: 'query' | 'path',
  field: string,
  given: string,
  min = Number.NEGATIVE_INFINITY,
  max = Number.POSITIVE_INFINITY,
): number {
  if (!/^[+-]?\d+$/.test(given))
    throw new Unprocessable(
      place,
      field,
      'Input should be a valid integer, unable to parse it',
      'int_parsing',
    )
  const number = Number(given)
  if (number < min)
    throw new Unprocessable(
      place,
      field,
      `Input should be greater than or equal to ${min}`,
      'greater_than_equal',
    )
  if (number > max)
    throw new Unprocessable(place, field, `Input should be less than or equal to ${max}`, 'less_than_equal')
  return number
}

/** The checked JSON body of a request. @throws Unprocessable */
export async function bodyOf<Shape extends z.ZodType>(
  request: { text(): Promise<string> },
  shape: Shape,
): Promise<z.output<Shape>> {
  const text = await request.text()
  if (text === '') throw new Unprocessable([{ loc: ['body'], msg: 'Field required', type: 'missing' }])
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw new Unprocessable([{ loc: ['body', 0], msg: 'JSON decode error', type: 'json_invalid' }])
  }
  const checked = shape.safeParse(body, { reportInput: true })
  if (checked.success) return checked.data
  throw new Unprocessable(checked.error.issues.map(violationOf))
}

/** What zod calls them, as FastAPI's types and messages call them. */
const KINDS: Readonly<Record<string, readonly [type: string, name?: string]>> = {
  array: ['list'],
  boolean: ['bool', 'boolean'],
  object: ['dict', 'dictionary'],
}

function violationOf(issue: z.core.$ZodIssue): Violation {
  const loc = ['body', ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))]
  const is = (type: string, msg: string = issue.message) => ({ loc, msg, type })
  if (issue.code === 'invalid_type') {
    if (issue.input === undefined) return is('missing', 'Field required')
    const [kind, name = kind] = KINDS[issue.expected] ?? [issue.expected]
    return is(`${kind}_type`, `Input should be a valid ${name}`)
  }
  const kind = Array.isArray(issue.input) ? '' : 'string_'
  if (issue.code === 'too_small') return is(`${kind}too_short`)
  if (issue.code === 'too_big') return is(`${kind}too_long`)
  return is(issue.code === 'invalid_value' ? 'literal_error' : 'value_error')
}
