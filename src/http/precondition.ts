/** `ETag` and `If-Match`: a subscription's revision as an entity tag, so that two editors do not overwrite each other. */
import { ProblemError } from './problem.ts'

/** The entity tag of a revision. */
export const etagOf = (revision: number): string => `"${revision}"`

/**
 * The revision that `If-Match` asks for; undefined without the header or for `*`. A weak tag counts as its strong one:
 * proxies that compress make ours weak.
 *
 * @throws ProblemError 412 for a tag that no revision has, 400 for several
 */
export function expectedRevision(headers: Headers): number | undefined {
  const given = headers.get('if-match')?.trim()
  if (given === undefined || given === '*') return undefined
  if (given.includes(','))
    throw new ProblemError({
      status: 400,
      code: 'INVALID_INPUT',
      detail: 'If-Match: send the one entity tag that was read.',
      path: 'if-match',
    })
  const revision = /^(?:W\/)?"(\d{1,15})"$/.exec(given)?.[1]
  if (revision === undefined) throw preconditionFailed()
  return Number(revision)
}

/** The answer to a write that would go over someone else's change. */
export const preconditionFailed = () =>
  new ProblemError({
    status: 412,
    code: 'PRECONDITION_FAILED',
    detail: 'It was changed meanwhile: read it again and repeat the change.',
  })
