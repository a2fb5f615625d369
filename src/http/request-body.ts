/**
 * Reads the JSON body of a request within limits: size, time, nesting and media type are checked before anything is made
 * of it.
 */
import type { Clock } from '../clock.ts'
import { ProblemError } from './problem.ts'

/** How long a body may take to arrive. */
export const BODY_TIMEOUT_MS = 10_000
/** How deep arrays and objects may nest. */
export const MAX_DEPTH = 100

/** A body and its bytes as text. */
export interface ReadBody {
  /** Undefined when there is none. */
  readonly value: unknown
  readonly text: string
}

/**
 * The parsed body; no body at all reads as undefined.
 *
 * @throws ProblemError 400, 408, 413, 415
 */
export async function readBody(request: Request, maxBytes: number, clock: Clock): Promise<ReadBody> {
  const type = request.headers.get('content-type')
  if (type !== null && !isJson(type)) throw unsupported('Send JSON with `content-type: application/json`.')
  const encoding = request.headers.get('content-encoding')
  if (encoding !== null && encoding.toLowerCase() !== 'identity')
    throw unsupported('Send the body without `content-encoding`.')
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) {
    await request.body?.cancel().catch(() => {})
    throw tooLarge(maxBytes)
  }
  const text = request.body === null ? '' : await textOf(request, maxBytes, clock)
  if (text === '') return { value: undefined, text }
  if (type === null) throw unsupported('Say what the body is: `content-type: application/json`.')
  return { value: parsed(text), text }
}

const isJson = (type: string) => /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type.trim())

const unsupported = (detail: string) =>
  new ProblemError({ status: 415, code: 'UNSUPPORTED_MEDIA_TYPE', detail })

const tooLarge = (maxBytes: number) =>
  new ProblemError({
    status: 413,
    code: 'PAYLOAD_TOO_LARGE',
    detail: `A body may have ${maxBytes} bytes at most.`,
  })

const invalid = (detail: string) => new ProblemError({ status: 400, code: 'INVALID_INPUT', detail })

async function textOf(request: Request, maxBytes: number, clock: Clock): Promise<string> {
  if (request.bodyUsed || request.body === null)
    throw new Error('The body was read before the handler: let `authorize` read request.clone()')
  const reader = request.body.getReader()
  let late = false
  const timer = clock.setTimer(() => {
    late = true
    // Also ends a read that is waiting.
    reader.cancel().catch(() => {})
  }, BODY_TIMEOUT_MS)
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let bytes = 0
  let text = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      bytes += value.byteLength
      if (bytes > maxBytes) {
        reader.cancel().catch(() => {})
        throw tooLarge(maxBytes)
      }
      text += decode(decoder, value)
    }
  } catch (error) {
    if (error instanceof ProblemError) throw error
    if (!late) throw invalid('The body broke off.')
  } finally {
    timer.cancel()
  }
  if (late)
    throw new ProblemError({
      status: 408,
      code: 'REQUEST_TIMEOUT',
      detail: `The body took longer than ${BODY_TIMEOUT_MS} ms.`,
      headers: { connection: 'close' },
    })
  return text + decode(decoder)
}

function decode(decoder: TextDecoder, bytes?: Uint8Array): string {
  try {
    return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true })
  } catch {
    throw invalid('The body is not valid UTF-8.')
  }
}

function parsed(text: string): unknown {
  if (depthOf(text) > MAX_DEPTH) throw invalid(`The body nests deeper than ${MAX_DEPTH} levels.`)
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    // Without the parser's message, which quotes the body.
    throw invalid('The body is not valid JSON.')
  }
  if (text.includes('__proto__') && hasProto(body)) throw invalid('A field is named `__proto__`.')
  return body
}

/** Schemas drop this name without a word, as a header or a key of metadata. A payload (`data`) may hold it. */
function hasProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Object.hasOwn(value, '__proto__')) return true
  return Object.entries(value).some(([key, inner]) => key !== 'data' && hasProto(inner))
}

/** The deepest nesting of a JSON text, without building anything. */
function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  let inText = false
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (inText) {
      if (unit === 0x5c) index++
      else if (unit === 0x22) inText = false
    } else if (unit === 0x22) inText = true
    else if (unit === 0x5b || unit === 0x7b) deepest = Math.max(deepest, ++depth)
    else if (unit === 0x5d || unit === 0x7d) depth--
  }
  return deepest
}
