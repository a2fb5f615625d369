/** Checks what a subscription selects by (channels, filter) and which version it gets. What comes out is plain JSON for its row. */
import { compileFilter } from '../filter.ts'
import { invalidInput, textOf } from '../input/known-keys.ts'
import type { JsonValue } from '../model.ts'
import type { Parts } from '../parts.ts'

const MAX_CHANNELS = 10

/**
 * The given ones of these fields, as `settings` keeps them; null: none.
 *
 * @throws PosthornError INVALID_INPUT, INVALID_FILTER
 */
export function selectionInput(
  input: Readonly<Record<string, unknown>>,
  { versions }: Pick<Parts, 'versions'>,
): { channels?: JsonValue; filter?: JsonValue; version?: JsonValue } {
  const { channels, filter, version } = input
  return {
    ...(channels === undefined ? {} : { channels: channels === null ? null : channelsOf(channels) }),
    ...(filter === undefined ? {} : { filter: filter === null ? null : filterOf(filter) }),
    ...(version === undefined ? {} : { version: version === null ? null : versionOf(version, versions) }),
  }
}

/** 1 to 10 labels of 1 to 128 characters, without repeats. @throws PosthornError INVALID_INPUT */
export function channelsOf(value: unknown): string[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > MAX_CHANNELS)
    throw invalidInput('channels', `must be an array of 1 to ${MAX_CHANNELS} texts`)
  return [...new Set(Array.from(value, (channel, index) => textOf(channel, `channels[${index}]`, 1, 128)))]
}

/** Compiling is the check; what is kept is the JSON. */
function filterOf(value: unknown): JsonValue {
  compileFilter(value)
  return JSON.parse(JSON.stringify(value))
}

function versionOf(value: unknown, versions: Parts['versions']): string {
  const version = textOf(value, 'version', 1, 64)
  if (versions === null || Object.hasOwn(versions, version)) return version
  const known = Object.keys(versions).join(', ')
  throw invalidInput('version', `is "${version}", which is none of the option \`versions\`: ${known}`)
}
