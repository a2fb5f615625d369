/** The fixed scale on which latencies are counted: eight steps to each doubling, so that every store and version adds up alike. */

const STEPS_PER_DOUBLING = 8
/** Up to 2^16 ms, more than any attempt may take. */
const LAST = 16 * STEPS_PER_DOUBLING

/** Which step counts a latency; 0 for up to 1 ms. */
export function stepOf(latencyMs: number): number {
  if (!(latencyMs > 1)) return 0
  return Math.min(LAST, Math.ceil(Math.log2(latencyMs) * STEPS_PER_DOUBLING))
}

/** Adds one latency to a histogram. */
export function count(histogram: number[], latencyMs: number): void {
  const step = stepOf(latencyMs)
  while (histogram.length <= step) histogram.push(0)
  histogram[step] = (histogram[step] ?? 0) + 1
}

/**
 * The latency in ms that this share of the counted ones do not exceed, or null when none was counted. Exact to a step:
 * off by a tenth at most.
 */
export function quantile(histogram: readonly number[], share: number): number | null {
  const total = histogram.reduce((sum, one) => sum + one, 0)
  if (total === 0) return null
  let left = share * total
  for (const [step, counted] of histogram.entries()) {
    if (counted > 0 && left <= counted) {
      const within = step === 0 ? 0 : step - 1 + left / counted
      return Math.round(2 ** (within / STEPS_PER_DOUBLING) * 10) / 10
    }
    left -= counted
  }
  return 2 ** (LAST / STEPS_PER_DOUBLING)
}
