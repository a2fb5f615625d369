/**
 * Lengths of time as people write them: `500ms`, `5s`, `2m`, `1.5h`, `1d`, or a number of milliseconds.
 */
import { PosthornError } from '../errors.ts'

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A number with its unit, without a space: `500ms`, `5s`, `30m`, `2h`, `1d`. */
export type DurationText = `${number}${keyof typeof UNITS}`
/** Milliseconds, or a text with a unit. */
export type Duration = number | DurationText

/**
 * A duration in whole milliseconds, never negative.
 *
 * @param path names the option in the error.
 * @throws PosthornError INVALID_OPTION for anything else.
 */
export function parseDuration(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return Math.round(value)
  const parts = typeof value === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(value) : null
  if (parts !== null) {
    const ms = Math.round(Number(parts[1]) * UNITS[parts[2] as keyof typeof UNITS])
    if (Number.isSafeInteger(ms)) return ms
  }
  const shown = typeof value === 'string' ? `"${value.slice(0, 40)}"` : describe(value)
  throw new PosthornError(
    'INVALID_OPTION',
    `${path} is not a duration: ${shown}. Give milliseconds (0 or more) or a text such as "500ms", "5s", "30m", "2h" or "1d".`,
    { path },
  )
}

function describe(value: unknown): string {
  return typeof value === 'number' ? String(value) : value === null ? 'null' : typeof value
}
