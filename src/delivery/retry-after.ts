/**
 * Reads Retry-After (RFC 9110, section 10.2.3) from an answer. Pure; what cannot be read is ignored.
 */

const IMF_OR_850 = /^[A-Za-z]{3,9}, \d{2}[ -][A-Za-z]{3}[ -]\d{2,4} \d{2}:\d{2}:\d{2} GMT$/
const ASCTIME = /^[A-Za-z]{3} [A-Za-z]{3} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/

/**
 * How long the receiver asks to wait, in milliseconds from `nowMs`; null when it does not ask or cannot be
 * understood. Never negative: a date that has passed means 0. Honoured for every status but 2xx.
 *
 * @param headers lower-case names.
 */
export function retryAfterMs(
  headers: Readonly<Record<string, string>>,
  status: number,
  nowMs: number,
): number | null {
  const value = headers['retry-after']?.trim()
  if (value === undefined || (status >= 200 && status < 300)) return null
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1_000, Number.MAX_SAFE_INTEGER)
  const at = httpDate(value)
  return at === null ? null : Math.max(0, at - nowMs)
}

// Date.parse alone would take "2024" or "1,2" for dates, and asctime for local time.
function httpDate(value: string): number | null {
  const text = IMF_OR_850.test(value) ? value : ASCTIME.test(value) ? `${value} GMT` : null
  const at = text === null ? Number.NaN : Date.parse(text)
  return Number.isNaN(at) ? null : at
}
