/** `posthorn doctor`: looks at an installation from outside and says what to do about what it finds. */
import { systemClock } from '../clock.ts'
import { isPosthornError } from '../errors.ts'
import { anyTenant } from '../model.ts'
import type { Store } from '../store.ts'
import type { Invocation } from './main.ts'
import { openStore } from './open-store.ts'
import { reason } from './reason.ts'

/** Due work older than this means that nobody is sending. */
const STALE_MS = 60_000
/** A clock of this machine further off than this is worth a word; nothing depends on it. */
const CLOCK_MS = 2_000

interface Finding {
  readonly good: boolean
  readonly text: string
}

export async function doctorCommand({ place, write }: Invocation): Promise<number> {
  const opened = await openStore({ ...place, existing: true })
  try {
    const findings = await examine(opened.store)
    for (const { good, text } of findings) write(`${good ? 'ok   ' : 'CARE '} ${text}`)
    return findings.every(({ good }) => good) ? 0 : 1
  } finally {
    await opened.close()
  }
}

/** In the order in which one finding makes the next one possible. */
async function examine(store: Store<never>): Promise<readonly Finding[]> {
  const reached = await reach(store)
  if (!reached.good) return [reached]
  const schema = await checkSchema(store)
  if (!schema.good) return [reached, schema]
  return [reached, schema, await checkClock(store), await checkQueue(store)]
}

async function reach(store: Store<never>): Promise<Finding> {
  try {
    await store.now()
    return { good: true, text: `The ${store.name} database answers.` }
  } catch (error) {
    // A store of our own says itself what it could not reach.
    const text = isPosthornError(error)
      ? error.message
      : `The ${store.name} database does not answer: ${reason(error)}`
    return { good: false, text }
  }
}

async function checkSchema(store: Store<never>): Promise<Finding> {
  try {
    await store.open()
    return { good: true, text: 'The tables are there, and new enough.' }
  } catch (error) {
    return { good: false, text: reason(error) }
  }
}

async function checkClock(store: Store<never>): Promise<Finding> {
  const offMs = (await store.now()) - systemClock.now()
  const good = Math.abs(offMs) < CLOCK_MS
  const text = good
    ? 'The clocks of the database and of this machine agree.'
    : `The clocks of the database and of this machine differ by ${Math.round(offMs / 1000)} s. Posthorn follows the database's; receivers refuse signatures that are off by five minutes: set it by NTP.`
  return { good, text }
}

async function checkQueue(store: Store<never>): Promise<Finding> {
  const { due, scheduled, held, oldestDueAt } = await store.backlog({ tenant: anyTenant })
  const counts = `${due} due, ${scheduled} scheduled, ${held} held`
  const ageMs = oldestDueAt === null ? 0 : (await store.now()) - oldestDueAt
  if (ageMs < STALE_MS) return { good: true, text: `The queue moves: ${counts}.` }
  const text = `The oldest due row has waited for ${Math.round(ageMs / 1000)} s (${counts}): is a process running that called webhooks.start()?`
  return { good: false, text }
}
