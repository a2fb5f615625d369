/**
 * The ids of everything that is made: UUID v7 with a prefix, or what the host's generators return, held to what an id must
 * be. A generator that fails at a public call is that call's error; one that fails in a worker must not cost a delivery, so
 * an id of our own takes its place and the `problem` hook is told.
 */
import { systemClock } from './clock.ts'
import { PosthornError } from './errors.ts'
import { ignoreRejection } from './input/thenable.ts'
import type { IdGenerators } from './parts.ts'
import { createUuids } from './uuid.ts'

/** What an id may look like: it stands in headers and URLs. */
export const OWN_ID = /^[A-Za-z0-9_-]{1,64}$/

/** So many ids of one generator are remembered, to notice one that repeats itself. */
const REMEMBERED = 10_000

const uuidv7 = createUuids(systemClock.now)

const own: IdGenerators = {
  subscription: () => `sub_${uuidv7()}`,
  event: () => `evt_${uuidv7()}`,
  delivery: () => `dlv_${uuidv7()}`,
  attempt: () => `att_${uuidv7()}`,
}

/** @param problem Told of an id that a worker could not use. */
export function idsOf(
  given: Partial<IdGenerators> = {},
  problem: (error: PosthornError) => void,
): IdGenerators {
  return {
    subscription: given.subscription ? checked('subscription', given.subscription) : own.subscription,
    event: given.event ? checked('event', given.event) : own.event,
    delivery: given.delivery ? orOwn('delivery', given.delivery, problem) : own.delivery,
    attempt: given.attempt ? orOwn('attempt', given.attempt, problem) : own.attempt,
  }
}

/** The error of an event that was not stored, because the generator had given its id to another one. */
export const takenId = (path = 'ids.event'): PosthornError =>
  new PosthornError(
    'CONFLICT',
    'The generator `ids.event` returned an id that another event of this tenant has, so the event was not stored: each must be a fresh one.',
    { path },
  )

/** For a delivery whose generated id another one has: an id of our own, and what is to be told of it. */
export function insteadOfTaken(taken: string): { readonly id: string; readonly problem: PosthornError } {
  const id = own.delivery()
  const message = `The generator \`ids.delivery\` returned \`${taken}\`, which another delivery of this tenant has, so this one is \`${id}\`: each must be a fresh one, in every process and after each start.`
  return { id, problem: new PosthornError('CONFLICT', message, { path: 'ids.delivery' }) }
}

const refused = (kind: keyof IdGenerators, what: string, cause?: unknown) =>
  new PosthornError('INVALID_OPTION', `The generator \`ids.${kind}\` ${what}.`, {
    path: `ids.${kind}`,
    cause,
  })

function checked(kind: keyof IdGenerators, generate: () => string): () => string {
  return () => {
    let id: unknown
    try {
      id = generate()
    } catch (cause) {
      throw refused(kind, 'threw', cause)
    }
    if (typeof id === 'string' && OWN_ID.test(id)) return id
    ignoreRejection(id)
    throw refused(kind, 'must return 1 to 64 letters, digits, `_` or `-`, a fresh one each time')
  }
}

/** An id that is there already would be taken for a repetition of what has it, and its outcome would count for nothing. */
function orOwn(
  kind: 'delivery' | 'attempt',
  generate: () => string,
  problem: (error: PosthornError) => void,
): () => string {
  const make = checked(kind, generate)
  let recent = new Set<string>()
  let before = recent

  function fresh(): string {
    const id = make()
    if (recent.has(id) || before.has(id))
      throw refused(kind, 'returned the same id twice: each must be a fresh one')
    if (recent.size >= REMEMBERED) {
      before = recent
      recent = new Set()
    }
    recent.add(id)
    return id
  }

  return () => {
    try {
      return fresh()
    } catch (error) {
      problem(error as PosthornError)
      return own[kind]()
    }
  }
}
