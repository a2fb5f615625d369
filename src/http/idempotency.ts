/**
 * `Idempotency-Key`: a write that is sent twice happens once, and both get the same answer. Kept in this process for a
 * day, for the last thousand keys; a published event is recognised by the store, beyond process and restart.
 */
import type { Clock } from '../clock.ts'
import { ProblemError } from './problem.ts'

const KEEP_MS = 86_400_000
const KEEP_KEYS = 1_000

interface Kept {
  readonly fingerprint: string
  readonly until: number
  readonly answer: Promise<Response>
}

/** Runs writes once per key. */
export interface Idempotency {
  /**
   * @param key Who is calling, the route, and the caller's own key.
   * @param fingerprint What is asked for; the same key with another one is refused.
   * @throws ProblemError 422, and whatever `run` throws: an error keeps nothing
   */
  once(key: string, fingerprint: string, run: () => Promise<Response>): Promise<Response>
}

/** An empty memory. */
export function createIdempotency(clock: Clock): Idempotency {
  const kept = new Map<string, Kept>()

  function forgetOld(now: number): void {
    for (const [key, { until }] of kept) {
      if (until > now && kept.size < KEEP_KEYS) return
      kept.delete(key)
    }
  }

  return {
    async once(key, fingerprint, run) {
      const now = clock.monotonic()
      const known = kept.get(key)
      if (known !== undefined && known.until > now) {
        if (known.fingerprint !== fingerprint) throw reused()
        const answer = (await known.answer).clone()
        answer.headers.set('idempotency-replayed', 'true')
        return answer
      }
      kept.delete(key)
      forgetOld(now)
      const answer = run()
      kept.set(key, { fingerprint, until: now + KEEP_MS, answer })
      try {
        return (await answer).clone()
      } catch (error) {
        kept.delete(key)
        throw error
      }
    },
  }
}

/**
 * The caller's key, or undefined.
 *
 * @throws ProblemError 400 for anything but 1 to 255 printable ASCII characters
 */
export function idempotencyKeyOf(headers: Headers): string | undefined {
  const key = headers.get('idempotency-key')
  if (key === null) return undefined
  if (/^[ -~]{1,255}$/.test(key)) return key
  throw new ProblemError({
    status: 400,
    code: 'INVALID_INPUT',
    detail: 'Idempotency-Key: must have 1 to 255 printable ASCII characters.',
    path: 'idempotency-key',
  })
}

/** SHA-256 of what is asked for, so that no body is kept. */
export async function fingerprintOf(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const reused = () =>
  new ProblemError({
    status: 422,
    code: 'IDEMPOTENCY_KEY_REUSED',
    detail: 'This Idempotency-Key came with another request before: use a new key for a new request.',
  })
