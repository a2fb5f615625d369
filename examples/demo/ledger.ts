/** The ledger: what the receivers wrote down, held against what was due and against what the library says it did. */
import { duePair, type Expectation } from './expectation.ts'
import type { ReceivedLedger, SentReport } from './messages.ts'
import { REPUBLISHED } from './plan.ts'

/** The lines to print, and whatever does not add up. */
export interface Ledger {
  readonly lines: readonly string[]
  readonly complaints: readonly string[]
}

interface Counted {
  readonly delivered: number
  readonly duplicates: number
  readonly strangers: number
  readonly altered: number
}

function count(expected: Expectation, received: ReceivedLedger): Counted {
  const arrived = new Set<string>()
  let duplicates = 0
  let strangers = 0
  let altered = 0
  for (const { key, eventId, type, digest } of received.accepted) {
    const pair = duePair(key, eventId)
    const due = expected.due.get(pair)
    if (due === undefined) strangers += 1
    else if (arrived.has(pair)) duplicates += 1
    else if (due.type !== type || due.digest !== digest) altered += 1
    if (due !== undefined) arrived.add(pair)
  }
  return { delivered: arrived.size, duplicates, strangers, altered }
}

/** Adds up. */
export function ledgerOf(expected: Expectation, received: ReceivedLedger, sent: SentReport): Ledger {
  const { delivered, duplicates, strangers, altered } = count(expected, received)
  const lost = expected.due.size - delivered
  const perSecond = Math.round(delivered / (received.spanMs / 1000))
  const rows: readonly (readonly [string, number | string])[] = [
    ['published', expected.published],
    ['due', expected.due.size],
    ['delivered', delivered],
    ['attempts', sent.attempts],
    ['retries', sent.retries],
    ['disabled', `${sent.disabled.length} (${sent.disabled.join(', ')})`],
    ['lost', lost],
    ['duplicates', duplicates],
    ['deliveries/s', perSecond],
  ]
  const equal: readonly (readonly [string, number, number])[] = [
    ['published events, by the sender and by count', sent.published, expected.published],
    ['publishes that repeated an id', sent.repeats, REPUBLISHED],
    ['lost', lost, 0],
    ['duplicates', duplicates, 0],
    ['webhooks that nobody was owed', strangers, 0],
    ['webhooks whose content changed on the way', altered, 0],
    ['webhooks with a wrong signature', received.forged, 0],
    ['deliveries, by the library and by the receivers', sent.succeeded, delivered],
    ['answered attempts, by the library and by the receivers', sent.answered, received.requests],
    ['disabled subscriptions', sent.disabled.length, expected.gone.length],
  ]
  const complaints = equal
    .filter(([, is, should]) => is !== should)
    .map(([what, is, should]) => `${what}: ${is}, should be ${should}`)
  const strayDisabled = sent.disabled.filter((key) => !expected.gone.includes(key))
  if (strayDisabled.length > 0) complaints.push(`disabled without a reason: ${strayDisabled.join(', ')}`)
  if (received.cut === 0) complaints.push('no connection was cut: the outage did not happen')
  return { lines: rows.map(([name, value]) => `  ${name.padEnd(14)}${value}`), complaints }
}
