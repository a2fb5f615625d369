/**
 * CONTRACT: what carries one signed request to a receiver. Implementations stand in `transports/`; the
 * worker calls `send` once per attempt and never looks inside.
 */

/** Why no usable answer came. A closed list: adding a code is a breaking change of the contract. */
export type FailureCode =
  /** The name could not be resolved. */
  | 'dns'
  /** The address guard refused the target. */
  | 'blocked'
  /** No connection: refused, unreachable, or the connect timed out before the deadline. */
  | 'connect'
  /** The TLS handshake or the certificate failed. */
  | 'tls'
  /** The deadline passed, anywhere between look-up and the last byte. */
  | 'timeout'
  /** The connection broke before the answer was complete. */
  | 'reset'
  /** What came back is not HTTP, or breaks its rules; a status outside 200–599 too. */
  | 'protocol'
  /** The caller's signal aborted the attempt (planned stop), or the transport threw. */
  | 'aborted'
  /** The request itself cannot be made (bad URL, bad header). Retrying will not help. */
  | 'invalid-request'

/** Decides where a request may go; `addressGuard` of `posthorn/guard` makes one. */
export interface TargetGuard {
  /** Judges the text of a URL without a look-up. `address` is the host where that is a literal address, else null. */
  judgeUrl(
    url: string,
  ):
    | { readonly allowed: true; readonly hostname: string; readonly address: string | null }
    | { readonly allowed: false }
  /** True when all these addresses of the host may be dialled; false for an empty list. */
  judgeAddresses(hostname: string, addresses: readonly string[]): boolean
  /**
   * True when an option opens this name to what lies inside: it is then looked up as the system does it, with its hosts file and
   * search domains, else as it stands. Without this function no name is.
   */
  opens?(hostname: string): boolean
}

/** One signed request, ready to go. */
export interface TransportRequest {
  /** Absolute http(s) URL. */
  readonly url: string
  /** `OPTIONS` is for the handshake of CloudEvents, and has no body. @default 'POST' */
  readonly method?: 'POST' | 'OPTIONS'
  /** Lower-case names; complete but for `host`, `content-length` and `connection`, which the transport owns. */
  readonly headers: Readonly<Record<string, string>>
  /** The exact bytes that were signed. The transport never changes, copies for keeps, or decodes them. */
  readonly body: Uint8Array
  /** Milliseconds from the call of `send` to the last byte of the answer: look-up, connect, second tries included. */
  readonly deadlineMs: number
  /** Send over a connection that nothing was sent on before. @default false: a kept-alive one is welcome */
  readonly freshConnection?: boolean
  /** Aborts the attempt at once; the result is then a failure with code `aborted`. */
  readonly signal?: AbortSignal
  /** Judges the target; `createWebhooks` always sets it. Without it the transport's own one judges, if there is one. */
  readonly guard?: TargetGuard
}

/** Milliseconds on the monotonic clock, from the call of `send`. */
export interface TransportTiming {
  /** To the response headers; null when none came. */
  readonly firstByteMs: number | null
  /** To the end, whatever it was. */
  readonly totalMs: number
}

/** An HTTP answer with its headers and as much of its body as is kept. Any status from 200 to 599 counts. */
export interface TransportResponse {
  readonly kind: 'response'
  readonly status: number
  /** Lower-case names; a repeated header is joined with `, `. */
  readonly headers: Readonly<Record<string, string>>
  /** The first 16 KB of the body as text; invalid UTF-8 and NUL are replaced by U+FFFD. Never decompressed. */
  readonly excerpt: string
  /** True when the body was longer than what was kept or read. */
  readonly truncated: boolean
  readonly timing: TransportTiming
}

/** No usable answer. */
export interface TransportFailure {
  readonly kind: 'failure'
  readonly code: FailureCode
  /** One sentence for a person, without secrets, header values or internal addresses. */
  readonly message: string
  /** The status, when headers had arrived before the failure. */
  readonly status?: number
  /** True unless it is certain that no byte of the request reached the receiver. */
  readonly mayHaveBeenReceived: boolean
  /**
   * True when the request went out on a kept-alive connection and not one byte came back: most likely the
   * receiver closed an idle connection at that moment. Left out where a transport cannot know.
   */
  readonly onReusedConnection?: boolean
  readonly timing: TransportTiming
}

/** What came of one try. */
export type TransportResult = TransportResponse | TransportFailure

/** At most this many body bytes are read from an answer; then the socket is destroyed. */
export const MAX_READ_BYTES = 128 * 1024
/** At most this many body bytes of an answer are kept, as text. */
export const MAX_EXCERPT_BYTES = 16 * 1024

/**
 * MUSTs of `send`:
 * - exactly one try (a second one on a fresh socket is allowed only where no byte can have been answered, within
 *   the same deadline); no retry on a status; no redirect is followed: a 3xx is an answer like any other;
 * - never rejects for anything a receiver or the network does: that is data. It rejects only for a bug of the caller
 *   (kyTransport: with what a hook of the host threw), and the attempt then counts as `aborted`, and as perhaps received;
 * - one deadline from the call to the last body byte, on a monotonic clock; when it passes, the socket is destroyed
 *   and the result is `timeout`, also when headers had arrived;
 * - headers that frame the message (`content-length`, `transfer-encoding`, `connection`, `host`, `expect` …) and a
 *   second spelling of a name are refused as `invalid-request`: dropped silently they would hide a bug;
 * - sends `accept-encoding: identity`, decompresses nothing, reads at most 128 KB of the answer, keeps 16 KB;
 * - sets Content-Length from the body; sends the body in one piece, byte for byte;
 * - with a guard, the URL and every address that its name resolves to pass it before one is dialled, and only those are
 *   dialled, in each request anew; a refusal is the failure `blocked` in the same words for all, made before any packet;
 * - no proxy environment variable is obeyed; certificates are verified.
 */
export interface Transport {
  /** For logs and diagnostics, for example `undici`. */
  readonly name: string
  send(request: TransportRequest): Promise<TransportResult>
  /** Closes idle sockets and waits for nothing. Requests in flight are aborted. May be called twice. */
  close(): Promise<void>
}
