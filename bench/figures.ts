/** Medians with the smallest and the largest, and how they are written. */

/** Of several rounds. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Null for none. */
export function spreadOf(values: readonly (number | null)[]): Spread | null {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b)
  const [min] = known
  const max = known.at(-1)
  if (min === undefined || max === undefined) return null
  const middle = known.length / 2
  const median = ((known[Math.ceil(middle) - 1] ?? min) + (known[Math.floor(middle)] ?? max)) / 2
  return { median, min, max }
}

/** The value that this share of them does not exceed. */
export function quantile(values: readonly number[], share: number): number | null {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? null
}

/** 12,345 → 12.3k; 0.5123 → 0.51. */
export function short(value: number): string {
  if (value >= 100_000) return `${(value / 1_000).toFixed(0)}k`
  if (value >= 10_000) return `${(value / 1_000).toFixed(1)}k`
  if (value >= 100) return value.toFixed(0)
  if (value >= 10) return value.toFixed(1)
  return value >= 0.1 || value === 0 ? value.toFixed(2) : value.toFixed(4)
}

/** `median (min–max)`, or a dash. */
export function written(spread: Spread | null): string {
  if (spread === null) return '-'
  const { median, min, max } = spread
  return min === max ? short(median) : `${short(median)} (${short(min)}–${short(max)})`
}
