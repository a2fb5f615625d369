/**
 * Sends over a `fetch`, for runtimes without Node's sockets. It can neither see addresses nor, before an error
 * tells, whether the request was written; in doubt the receiver may have seen it.
 */
import type { Clock } from '../clock.ts'
import type { LookUp } from '../dns/look-up.ts'
import type { FailureCode } from '../transport.ts'
import { type CappedBody, readCapped } from './capped-body.ts'
import type { ExchangeOutcome, ExchangeRequest } from './exchange.ts'
import { describeFailure, type FailureFacts, failureError, phaseOf, sentence } from './failure.ts'
import { headerRecord } from './header-record.ts'
import type { Sender } from './sender.ts'

/** What is called to send; the global one or any that looks like it. */
export type Fetch = typeof globalThis.fetch

const UNREAD: CappedBody = { bytes: new Uint8Array(0), truncated: true }

/** Makes a sender over `fetch`. The runtime keeps the connections. */
export function createFetchSender(fetch: Fetch, clock: Clock): Omit<Sender, 'stats'> {
  const inFlight = new Set<(code: FailureCode) => void>()
  const judge = createJudge(clock)
  let closed = false

  function send(request: ExchangeRequest, done: (outcome: ExchangeOutcome) => void) {
    const startedAt = clock.monotonic()
    const controller = new AbortController()
    let called = false
    let status: number | undefined
    let firstByteMs: number | null = null
    let over = false

    const timing = () => ({ firstByteMs, totalMs: clock.monotonic() - startedAt })
    const finish = (outcome: ExchangeOutcome) => {
      if (over) return
      over = true
      inFlight.delete(stop)
      done(outcome)
    }
    const fail = (facts: FailureFacts) => {
      const known = status === undefined ? undefined : { status }
      finish({ kind: 'failure', ...facts, ...known, timing: timing() })
    }
    const stop = (code: FailureCode) => {
      fail({ code, message: sentence(code), mayHaveBeenReceived: called })
      controller.abort()
    }

    async function exchange(): Promise<void> {
      const headers = headersOf(request.headers)
      await judge(request, controller.signal)
      if (over) return
      called = true
      const { method = 'POST' } = request
      const response = await fetch(request.target.origin + request.target.path, {
        method,
        headers,
        body: method === 'POST' ? (request.body as Uint8Array<ArrayBuffer>) : null,
        redirect: 'manual',
        signal: controller.signal,
      })
      if (over) return
      firstByteMs = clock.monotonic() - startedAt
      status = response.status
      if (status < 200 || status > 599) {
        stop('protocol')
        return
      }
      const received = headerRecord(response.headers)
      const encoded = (received['content-encoding'] ?? 'identity') !== 'identity'
      // fetch would decompress what we have asked not to be compressed: leave such a body unread.
      const body = encoded ? UNREAD : await readCapped(response.body)
      const { bytes, truncated } = body
      finish({ kind: 'answer', status, headers: received, body: bytes, truncated, timing: timing() })
      if (encoded) controller.abort()
    }

    inFlight.add(stop)
    if (closed) stop('aborted')
    else
      exchange().catch((error: unknown) =>
        fail(describeFailure(error, called ? phaseOf(error) : 'connecting')),
      )
    return { stop }
  }
  return {
    send,
    close() {
      closed = true
      for (const stop of [...inFlight]) stop('aborted')
    },
  }
}

/**
 * Judges what the name resolves to now. fetch looks it up again by itself, so that this keeps out a name that leads
 * inside, not one that changes in between: the guarantee needs sockets of our own. Where there is no DNS to ask (Workers
 * and the like) the platform keeps its inside apart.
 */
function createJudge(clock: Clock) {
  let loading: Promise<LookUp | null> | undefined
  return async ({ guard, target }: ExchangeRequest, signal: AbortSignal): Promise<void> => {
    if (guard === undefined || target.literal !== null) return
    loading ??= loadLookUp(clock)
    const lookUp = await loading
    if (lookUp === null || signal.aborted) return
    const { hostname } = target
    const addresses = await lookUp(hostname, guard.opens?.(hostname) === true, signal)
    if (!guard.judgeAddresses(hostname, addresses)) throw failureError('blocked', sentence('blocked'))
  }
}

async function loadLookUp(clock: Clock): Promise<LookUp | null> {
  try {
    const [{ createLookUp }, { resolveAsFetch }] = await Promise.all([
      import('../dns/look-up.ts'),
      import('../dns/resolve.ts'),
    ])
    return createLookUp(resolveAsFetch(), clock)
  } catch {
    return null
  }
}

/** Throws for what no header may hold. */
function headersOf(list: readonly string[]): Headers {
  const headers = new Headers()
  try {
    for (let i = 0; i + 1 < list.length; i += 2) headers.append(list[i] ?? '', list[i + 1] ?? '')
  } catch {
    throw failureError('invalid-request', sentence('invalid-request'))
  }
  return headers
}
