/** Which events a subscription chose: by their names, their channels, and what is in them. */
import { type CompiledFilter, compileFilter, type Filterable } from '../filter.ts'
import { matchesPattern } from '../patterns.ts'
import type { EventRecord, SubscriptionRecord } from '../records.ts'
import { dataOf } from './event-data.ts'
import { brokenRow } from './row-check.ts'

/** An event as it is chosen by. */
export interface Selectable extends Filterable {
  readonly channels: readonly string[]
}

/** A stored event; its body is parsed once, when the first filter asks for its data. */
export function selectable(event: EventRecord): Selectable {
  const { channels } = event.settings
  let parsed: { readonly data: unknown } | null = null
  return {
    type: event.type,
    metadata: event.metadata,
    channels: Array.isArray(channels) ? channels : [],
    data() {
      parsed ??= { data: readable(event) }
      return parsed.data
    },
  }
}

/** A body that was broken in the store has no data; it is set aside before it is sent. */
function readable(event: EventRecord): unknown {
  try {
    return dataOf(event)
  } catch {
    return undefined
  }
}

/** True when one of its patterns fits, one of its channels (if it has any) is the event's, and its filter takes the event. */
export function selects(subscription: SubscriptionRecord, event: Selectable): boolean {
  return (
    subscription.events.some((pattern) => matchesPattern(pattern, event.type)) &&
    sharesChannel(subscription.settings.channels, event.channels) &&
    filterOf(subscription)(event)
  )
}

/** A subscription without channels takes events of every channel. */
function sharesChannel(wanted: unknown, channels: readonly string[]): boolean {
  return !Array.isArray(wanted) || wanted.some((channel) => channels.includes(channel))
}

/** Filters made ready, for as long as their rows are in use. */
const ready = new WeakMap<SubscriptionRecord, CompiledFilter>()

function filterOf(subscription: SubscriptionRecord): CompiledFilter {
  const known = ready.get(subscription)
  if (known !== undefined) return known
  const made = compiledFilter(subscription)
  ready.set(subscription, made)
  return made
}

/** A row whose filter was broken in the database takes nothing: what was not sent can be replayed. */
function compiledFilter({ settings }: SubscriptionRecord): CompiledFilter {
  if (settings.filter === undefined || settings.filter === null) return () => true
  try {
    return compileFilter(settings.filter)
  } catch {
    return () => false
  }
}

/** The error of a row whose choice cannot be read, or null when it is good. */
export function choiceError({ settings, broken }: SubscriptionRecord): unknown {
  if (broken !== undefined) return brokenRow('subscription', broken)
  if (settings.filter === undefined || settings.filter === null) return null
  try {
    compileFilter(settings.filter)
    return null
  } catch (cause) {
    return cause
  }
}
