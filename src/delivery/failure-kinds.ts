/** The closed list of ways in which an attempt can fail, each with a sentence of advice for the person who owns the receiver. */
import type { FailureCode } from '../transport.ts'

/** Why an attempt failed: no usable answer came (the codes of the transport), or one came with the wrong status. */
export type FailureKind = FailureCode | 'status'

const ADVICE: Readonly<Record<FailureKind, string>> = {
  dns: 'Check that the host name of the URL is spelled correctly and has a public DNS record.',
  blocked: 'The URL leads to an address that may not be reached from here: use a public address.',
  connect: 'Check that the server is running and that its firewall lets connections to this port in.',
  tls: 'Check the certificate: it must be valid, complete with its chain, and made for this host name.',
  timeout: 'Answer with a 2xx at once and do the work afterwards: the answer did not come in time.',
  reset: 'The connection was cut before the answer was complete: look for crashes and for limits of a proxy.',
  protocol:
    'What came back is not a valid HTTP answer: check that the URL and its port belong to a web server.',
  aborted: 'The sender broke the attempt off: it is sent again by itself, nothing needs to be done.',
  'invalid-request':
    'The request could not be made: check the URL, the custom headers and the signing secret.',
  status: 'Answer with a status from 200 to 299 once the event is taken.',
}

/** Sentences for statuses that say more than that it was the wrong one. */
const STATUS_ADVICE: Readonly<Record<number, string>> = {
  400: 'The receiver refused the request as malformed: check that it expects this body and content type.',
  401: 'The receiver asks for credentials: check the secret, or the authorization header of the subscription.',
  403: 'The receiver refused access: check its rules, the secret and any firewall in front of it.',
  404: 'Nothing answers at this path: check the URL.',
  405: 'The path does not take POST requests: check the URL and the route.',
  408: 'The receiver waited too long for the request: look at its load and at proxies in front of it.',
  410: 'The receiver said that it is gone for good: a subscription that was disabled for it is enabled when it is back.',
  413: 'The receiver refuses bodies of this size: raise its limit.',
  415: 'The receiver does not take this content type: let it accept application/json.',
  429: 'The receiver asks for fewer requests: give the subscription a rate that it can take.',
  503: 'The receiver says that it is overloaded or down for maintenance: it is tried again after a pause.',
}

/** Every kind, in the order in which a request can meet it. */
export const FAILURE_KINDS: readonly FailureKind[] = Object.freeze(Object.keys(ADVICE) as FailureKind[])

/** What an attempt says about its failure. */
export interface FailureLike {
  readonly outcome?: 'succeeded' | 'failed'
  readonly failure: FailureCode | null
  readonly status: number | null
}

/** The kind of an attempt's failure, or null when it succeeded. */
export function failureKindOf({ outcome = 'failed', failure }: FailureLike): FailureKind | null {
  return outcome === 'succeeded' ? null : (failure ?? 'status')
}

/** A sentence of advice for a person, for a kind or for an attempt (whose status may say more); null when it succeeded. */
export function adviceFor(failure: FailureKind | FailureLike): string | null {
  if (typeof failure === 'string') return ADVICE[failure]
  const kind = failureKindOf(failure)
  if (kind === null) return null
  const { status } = failure
  if (kind !== 'status' || status === null) return ADVICE[kind]
  if (status >= 300 && status < 400)
    return 'Redirects are never followed: change the URL to the one that the receiver redirects to.'
  return STATUS_ADVICE[status] ?? (status >= 500 ? SERVER_ERROR : ADVICE.status)
}

const SERVER_ERROR = 'The receiver failed while it handled the event: look into its log for this time.'
