/**
 * From whatever Node, undici or a fetch throws to one of the contract's failure codes and one sentence. The
 * sentence is made here and never taken from the error: an error's own text names addresses, paths and headers.
 */
import type { FailureCode } from '../transport.ts'

/** How far a request had come: nothing of it written yet, or some of it handed to the socket. */
export type Phase = 'connecting' | 'sent'

/** What a failure says, but for its timing. */
export interface FailureFacts {
  readonly code: FailureCode
  readonly message: string
  readonly mayHaveBeenReceived: boolean
}

/** An error that already knows its failure code: thrown by the connector and by the address guard. */
export interface FailureError extends Error {
  readonly failureCode: FailureCode
}

/** Makes an error whose code and sentence reach the result unchanged. The sentence is shown to people. */
export function failureError(failureCode: FailureCode, sentence: string): FailureError {
  return Object.assign(new Error(sentence), { failureCode })
}

/** True for an error made by `failureError`. */
export function isFailureError(error: unknown): error is FailureError {
  return error instanceof Error && 'failureCode' in error
}

const SENTENCES: Record<FailureCode, string> = {
  dns: 'The name of the receiver could not be resolved',
  blocked: 'The target of this request is not allowed',
  connect: 'No connection to the receiver could be made',
  tls: 'No secure connection to the receiver could be made',
  timeout: 'The answer was not complete before the deadline',
  reset: 'The connection broke before the answer was complete',
  protocol: 'What the receiver sent is not a valid HTTP answer',
  aborted: 'The attempt was stopped',
  'invalid-request': 'This request cannot be sent: its URL or one of its headers is not valid',
}

const TLS_SENTENCES: Record<string, string> = {
  CERT_HAS_EXPIRED: 'The certificate of the receiver has expired',
  CERT_NOT_YET_VALID: 'The certificate of the receiver is not valid yet',
  CERT_REVOKED: 'The certificate of the receiver has been revoked',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'The certificate of the receiver is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'The certificate of the receiver comes from an unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'The certificate chain of the receiver is incomplete',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'The certificate chain of the receiver is incomplete or not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'The certificate chain of the receiver is incomplete',
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate of the receiver is for another host name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'The receiver does not speak TLS on this port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'The receiver does not speak TLS on this port',
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: 'The receiver has no certificate for this host name',
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: 'The receiver speaks no TLS version that is safe enough',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'The receiver speaks no TLS version that is safe enough',
}

const DNS_CODES =
  /^(ENOTFOUND|EAI_[A-Z]+|ENODATA|ESERVFAIL|EFORMERR|ENOTIMP|EREFUSED|EBADNAME|EBADRESP|ENONAME|ETIMEOUT)$/
const TLS_CODES =
  /^(EPROTO|ERR_TLS_\w+|ERR_SSL_\w+|CERT_\w+|CRL_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH_EXCEEDED|ERROR_IN_CERT_\w+)$/
const PROTOCOL_CODES = /^(HPE_\w+|UND_ERR_HEADERS_OVERFLOW|UND_ERR_RES_EXCEEDED_MAX_SIZE|ERR_ASSERTION)$/
const INVALID_CODES =
  /^(UND_ERR_INVALID_ARG|UND_ERR_NOT_SUPPORTED|ERR_INVALID_URL|ERR_INVALID_CHAR|ERR_INVALID_ARG_\w+|ERR_UNESCAPED_CHARACTERS)$/
/** Codes that only a failing connect gives, on any runtime: the request was never written. */
const CONNECT_CODES =
  /^(ECONNREFUSED|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|EADDRNOTAVAIL|EACCES|EPERM|UND_ERR_CONNECT_TIMEOUT|ConnectionRefused|FailedToOpenSocket)$/

function property(error: unknown, name: string): string {
  if (typeof error !== 'object' || error === null) return ''
  const value: unknown = Reflect.get(error, name)
  return typeof value === 'string' ? value : ''
}

/** The innermost error that carries a code: fetch wraps the socket's error as `cause`, sometimes twice. */
function rootOf(error: unknown): unknown {
  let found = error
  for (let depth = 0; depth < 4; depth++) {
    if (typeof found !== 'object' || found === null) return found
    if (property(found, 'code') !== '' || 'failureCode' in found) return found
    const cause: unknown = Reflect.get(found, 'cause')
    if (cause === undefined) return found
    found = cause
  }
  return found
}

function codeOf(error: unknown, phase: Phase): FailureCode {
  const code = property(error, 'code')
  if (TLS_CODES.test(code)) return 'tls'
  if (PROTOCOL_CODES.test(code)) return 'protocol'
  if (INVALID_CODES.test(code)) return 'invalid-request'
  if (phase === 'connecting') {
    if (DNS_CODES.test(code) || property(error, 'syscall') === 'getaddrinfo') return 'dns'
    // Node reports a handshake that the other side cut as ECONNRESET, told apart only by this text.
    if (property(error, 'message').includes('before secure TLS connection')) return 'tls'
    return 'connect'
  }
  // The parser's errors carry no usable code in undici 7.
  if (property(error, 'name') === 'HTTPParserError') return 'protocol'
  // undici's words for 100 Continue that nobody asked for, an upgrade, and bytes on an idle socket.
  if (/^bad (response|upgrade)$/.test(property(error, 'message'))) return 'protocol'
  return 'reset'
}

/** Sorts an error into the closed list. `phase` decides what an error without a telling code means. */
export function describeFailure(error: unknown, phase: Phase): FailureFacts {
  const root = rootOf(error)
  const mayHaveBeenReceived = phase === 'sent'
  const known = property(root, 'failureCode')
  if (known !== '') {
    return { code: known as FailureCode, message: property(root, 'message'), mayHaveBeenReceived }
  }
  const code = codeOf(root, phase)
  return { code, message: sentence(code, property(root, 'code')), mayHaveBeenReceived }
}

/** For runtimes where nobody can say whether the request was written: only a telling code makes it certain. */
export function phaseOf(error: unknown): Phase {
  const root = rootOf(error)
  const code = property(root, 'code')
  const beforeTheRequest = CONNECT_CODES.test(code) || DNS_CODES.test(code) || INVALID_CODES.test(code)
  const handshake = TLS_CODES.test(code) && code !== 'EPROTO' && !code.includes('ALERT')
  return beforeTheRequest || handshake ? 'connecting' : 'sent'
}

/** The sentence for a code, with the system's own short code in brackets where it helps to search for it. */
export function sentence(code: FailureCode, detail = ''): string {
  const text = (code === 'tls' ? TLS_SENTENCES[detail] : undefined) ?? SENTENCES[code]
  const telling = code !== 'blocked' && /^[A-Z][A-Z0-9_]{2,60}$/.test(detail)
  return telling ? `${text} (${detail}).` : `${text}.`
}
