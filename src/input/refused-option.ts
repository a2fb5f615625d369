/** Says what is wrong with an option: the first problem that the schema of the options found, in words that name the fix. */
import { z } from 'zod/v4'
import { PosthornError } from '../errors.ts'
import { closest } from './closest.ts'

/** Of the ways in which an option may be given, the one that fits furthest says what is wrong with it. */
function nearest(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue
  const all = issue.errors.flat().map((one) => nearest({ ...one, path: [...issue.path, ...one.path] }))
  const unknown = all.find(({ code }) => code === 'unrecognized_keys')
  if (unknown !== undefined) return unknown
  const furthest = Math.max(...all.map(({ path }) => path.length))
  return furthest > issue.path.length ? (all.find(({ path }) => path.length === furthest) ?? issue) : issue
}

/** The keys that are known at a place: none where it may have any. */
function keysAt(schema: unknown, path: readonly PropertyKey[]): readonly string[] {
  if (schema instanceof z.ZodOptional) return keysAt(schema.unwrap(), path)
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => keysAt(option, path))
  if (schema instanceof z.ZodArray) return keysAt(schema.element, path.slice(1))
  if (!(schema instanceof z.ZodObject)) return []
  const [first, ...rest] = path
  return first === undefined ? Object.keys(schema.shape) : keysAt(schema.shape[String(first)], rest)
}

/** @throws PosthornError `INVALID_OPTION`, always */
export function refuseOption(schema: z.ZodObject, found: z.core.$ZodIssue | undefined): never {
  const issue = found === undefined ? undefined : nearest(found)
  const path = (issue?.path ?? []).join('.')
  if (issue?.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? ''
    const known = keysAt(schema, issue.path)
    const guess = closest(key, known)
    const near = guess === null ? '' : `; did you mean \`${guess}\`?`
    const listed = path === '' || known.length === 0 ? '' : ` Known: ${known.join(', ')}.`
    const hint = near === '' && listed !== '' ? `.${listed}` : `${near}${listed}`
    const full = path === '' ? key : `${path}.${key}`
    throw new PosthornError('INVALID_OPTION', `Unknown option \`${full}\`${hint}`, { path: full })
  }
  const name = path === '' ? 'The options' : `The option \`${path}\``
  throw new PosthornError('INVALID_OPTION', `${name}: ${issue?.message ?? 'is not valid'}.`, { path })
}
