/**
 * A transport held to its contract: what it throws, what it returns instead of a result, and what it never answers is a failure like
 * any other. Nobody knows then what the receiver has seen, so it may have seen everything. That it threw is not the receiver's fault;
 * that it never ended cannot be told from a receiver that hangs, and counts as a timeout.
 */
import type { Clock } from '../clock.ts'
import { FAILURE_KINDS } from '../delivery/failure-kinds.ts'
import { TookTooLong, within } from '../delivery/within.ts'
import { PosthornError } from '../errors.ts'
import type { Transport, TransportFailure, TransportRequest, TransportResult } from '../transport.ts'
import type { Problem } from './clock.ts'

/** How much later than its deadline an attempt may end before nobody waits for it any more. */
const GRACE_MS = 1_000

/** @param isOurs The built-in ones keep their deadlines, so that no second timer has to. */
export function heldTransport(
  transport: Transport,
  { clock, problem, isOurs }: { readonly clock: Clock; readonly problem: Problem; readonly isOurs: boolean },
): Transport {
  async function sent(request: TransportRequest): Promise<TransportResult> {
    const sending = transport.send(request)
    const limitMs = request.deadlineMs + GRACE_MS
    const result: unknown = await (isOurs ? sending : within(sending, limitMs, clock, 'the transport'))
    const wrong = wrongIn(result)
    if (wrong === null) return result as TransportResult
    throw new TypeError(`its result is broken in \`${wrong}\``)
  }

  return {
    get name() {
      return transport.name
    },
    async send(request) {
      const begun = clock.monotonic()
      try {
        return await sent(request)
      } catch (cause) {
        problem('transport', failed(transport.name, cause))
        return failure(cause, clock.monotonic() - begun)
      }
    },
    close: () => transport.close(),
  }
}

/** What it threw may hold anything, so the attempt, which tenants read, does not quote it. */
function failure(cause: unknown, totalMs: number): TransportFailure {
  const isLate = cause instanceof TookTooLong
  return {
    kind: 'failure',
    code: isLate ? 'timeout' : 'aborted',
    message: isLate ? 'The attempt did not end in time.' : 'The attempt was broken off by the sender.',
    mayHaveBeenReceived: true,
    timing: { firstByteMs: null, totalMs },
  }
}

function failed(name: string, cause: unknown): PosthornError {
  const why = cause instanceof Error ? cause.message : 'it threw'
  const message = `The transport ${name} failed, so an attempt has no result (${why}). It may have been received and is tried again; correct the transport, or the hook of yours that it calls.`
  return new PosthornError('TRANSPORT_FAILED', message, { cause })
}

/** The first part that is not what the contract says, or null. */
function wrongIn(result: unknown): string | null {
  if (typeof result !== 'object' || result === null) return 'kind'
  const { kind, timing, ...rest } = result as Readonly<Record<string, unknown>>
  const { firstByteMs, totalMs } = Object(timing)
  if (!Number.isFinite(totalMs) || !(firstByteMs === null || Number.isFinite(firstByteMs))) return 'timing'
  if (kind === 'response') return wrongInResponse(rest)
  return kind === 'failure' ? wrongInFailure(rest) : 'kind'
}

const isStatus = (status: unknown): boolean =>
  typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 599

function wrongInResponse({ status, headers, excerpt }: Readonly<Record<string, unknown>>): string | null {
  if (!isStatus(status)) return 'status'
  if (typeof headers !== 'object' || headers === null) return 'headers'
  return typeof excerpt === 'string' ? null : 'excerpt'
}

function wrongInFailure(failure: Readonly<Record<string, unknown>>): string | null {
  const { code, message, mayHaveBeenReceived, status } = failure
  if (code === 'status' || !(FAILURE_KINDS as readonly unknown[]).includes(code)) return 'code'
  if (typeof message !== 'string') return 'message'
  if (typeof mayHaveBeenReceived !== 'boolean') return 'mayHaveBeenReceived'
  return status === undefined || isStatus(status) ? null : 'status'
}
