/**
 * One request on its way through ky: in by the host's hooks, out past them by a sender, back through them. Its
 * deadline covers the hooks too.
 */
import type { KyInstance, Options } from 'ky'
import { type Clock, setDeadline, type Timer } from '../clock.ts'
import type { FailureCode, TargetGuard, TransportRequest, TransportResult } from '../transport.ts'
import type { AbortListeners } from './abort-listeners.ts'
import { readCapped } from './capped-body.ts'
import { excerptOf } from './excerpt.ts'
import type { ExchangeAnswer } from './exchange.ts'
import { describeFailure, failureError, isFailureError, sentence } from './failure.ts'
import { headerRecord } from './header-record.ts'
import { headerList, isOwnedHeader, type Target, targetOf } from './request-head.ts'
import type { Sender } from './sender.ts'

/** The name of the ky option under which a call travels to our `fetch`. */
export const OPTION = 'posthornCall'

/** What all calls of a transport share. */
export interface KyCallOptions {
  readonly ky: KyInstance
  readonly clock: Clock
  readonly userAgent: string
  readonly guard: TargetGuard | undefined
  readonly aborts: AbortListeners
  /** True when a hook of the host may look: else neither headers nor answer are copied for it. */
  readonly hooked: boolean
}

/** Statuses whose Response must not have a body, by the fetch standard. */
const NULL_BODY_STATUS = new Set([204, 205, 304])

/** A call; `done` is called at most once, and not at all when a hook throws. */
export class KyCall {
  readonly #request: TransportRequest
  readonly #options: KyCallOptions
  readonly #done: (result: TransportResult) => void
  readonly #startedAt: number
  readonly #timer: Timer
  #target: Target | undefined
  #headers: string[] = []
  #running: { stop(code: FailureCode): void } | undefined
  #answer: ExchangeAnswer | undefined
  #response: Response | undefined
  #sentAfterMs = 0
  #over = false

  constructor(request: TransportRequest, options: KyCallOptions, done: (result: TransportResult) => void) {
    this.#request = request
    this.#options = options
    this.#done = done
    this.#startedAt = options.clock.monotonic()
    this.#timer = setDeadline(options.clock, () => this.stop('timeout'), request.deadlineMs)
    if (request.signal !== undefined) options.aborts.add(request.signal, this)
  }

  /** Goes through ky. Rejects with what a hook threw. */
  async start(): Promise<void> {
    if (this.#request.signal?.aborted === true) return this.stop('aborted')
    if (!(this.#request.deadlineMs > 0)) return this.stop('timeout')
    let throughKy: Promise<Response>
    try {
      this.#target = targetOf(this.#request.url, this.#guard)
      this.#headers = headerList(this.#request.headers)
      const shown = this.#options.hooked ? { headers: new Headers(this.#request.headers) } : undefined
      const options: Options = { ...shown, ...{ [OPTION]: this } }
      throughKy = this.#options.ky(this.#request.url, options)
    } catch (error) {
      // No hook has run yet: this is Headers or URL refusing what they were given.
      const refusal = failureError('invalid-request', sentence('invalid-request'))
      const facts = describeFailure(isFailureError(error) ? error : refusal, 'connecting')
      return this.#end({ kind: 'failure', ...facts, timing: this.#timing() })
    }
    try {
      await this.#finish(await throughKy)
    } catch (error) {
      if (this.#over) return
      // A hook asked for `ky.retry()`; an attempt is one try, so the answer that came stands.
      const wantsRetry = error instanceof Error && error.name === 'ForceRetryError'
      if (wantsRetry && this.#answer !== undefined) return this.#end(resultOf(this.#answer, this.#timing()))
      this.#release()
      throw error
    }
  }

  /** Ends the call now: the exchange when there is one, else the hook that takes its time. */
  stop(code: FailureCode): void {
    if (this.#running !== undefined) {
      this.#running.stop(code)
      return
    }
    const { status } = this.#answer ?? {}
    const facts = { code, message: sentence(code), mayHaveBeenReceived: status !== undefined }
    this.#end({ kind: 'failure', ...facts, ...(status && { status }), timing: this.#timing() })
  }

  /** What ky calls in place of fetch: sends our bytes and headers, and those headers that hooks have added. */
  fetch(request: Request, sender: Omit<Sender, 'stats'>): Promise<Response> {
    return new Promise((resolve, reject) => {
      const target = this.#target
      if (this.#over || target === undefined) return reject(new Error('This call is over.'))
      this.#sentAfterMs = this.#options.clock.monotonic() - this.#startedAt
      const headers = this.#headersWith(request.headers)
      const { body, method, freshConnection: fresh } = this.#request
      const sent = {
        ...{ target, method, guard: this.#guard, headers, body, fresh, deadlineMs: Infinity },
        sendWithinMs: this.#request.deadlineMs - this.#sentAfterMs,
      }
      this.#running = sender.send(sent, (outcome) => {
        this.#running = undefined
        if (outcome.kind === 'failure') {
          this.#end({ ...outcome, timing: this.#timing(outcome.timing.firstByteMs) })
          return reject(failureError(outcome.code, outcome.message))
        }
        this.#answer = outcome
        this.#response = this.#options.hooked ? visible(outcome) : new Response()
        resolve(this.#response)
      })
    })
  }

  get #guard(): TargetGuard | undefined {
    return this.#request.guard ?? this.#options.guard
  }

  /** Our headers, with what the instance and its hooks have added to them. */
  #headersWith(added: Headers): string[] {
    const list = this.#headers
    const own = list.length
    for (const [name, value] of added) {
      if (!isOwnedHeader(name) && !names(list, own, name)) list.push(name, value)
    }
    if (!names(list, list.length, 'user-agent')) list.push('user-agent', this.#options.userAgent)
    return list
  }

  async #finish(response: Response): Promise<void> {
    const answer = this.#answer
    if (answer !== undefined && response === this.#response) {
      return this.#end(resultOf(answer, this.#timing(answer.timing.firstByteMs)))
    }
    // A hook has put another answer in its place.
    const { bytes, truncated } = await readCapped(response.body)
    const headers = headerRecord(response.headers)
    const timing = this.#timing(answer?.timing.firstByteMs)
    this.#end({
      kind: 'response',
      status: response.status,
      headers,
      excerpt: excerptOf(bytes, truncated),
      truncated,
      timing,
    })
  }

  #timing(firstByteMs: number | null = null) {
    const totalMs = this.#options.clock.monotonic() - this.#startedAt
    return { firstByteMs: firstByteMs === null ? null : this.#sentAfterMs + firstByteMs, totalMs }
  }

  #end(result: TransportResult): void {
    if (this.#over) return
    this.#release()
    this.#done(result)
  }

  #release(): void {
    this.#over = true
    this.#timer.cancel()
    const { signal } = this.#request
    if (signal !== undefined) this.#options.aborts.remove(signal, this)
  }
}

function resultOf(answer: ExchangeAnswer, timing: ExchangeAnswer['timing']): TransportResult {
  const { status, headers, body, truncated } = answer
  return { kind: 'response', status, headers, excerpt: excerptOf(body, truncated), truncated, timing }
}

/** The answer as a hook sees it. */
function visible({ status, headers, body }: ExchangeAnswer): Response {
  const content = NULL_BODY_STATUS.has(status) ? null : (body as Uint8Array<ArrayBuffer>)
  return new Response(content, { status, headers })
}

/** True when one of the first `length` entries of a list of names and values is this name. */
function names(list: readonly string[], length: number, name: string): boolean {
  for (let i = 0; i < length; i += 2) if (list[i] === name) return true
  return false
}
