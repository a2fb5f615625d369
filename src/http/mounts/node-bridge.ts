/**
 * Between Node's requests and the web's, for the mounts: the body is taken from wherever the host has left it, raw or
 * parsed. Structural types only; nothing of Node is imported.
 */
import type { Handler, MountContext } from '../handler.ts'

/** What is used of Node's `IncomingMessage`, and of what frameworks add to it. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** Express and others: the path before mounting has cut it. */
  readonly originalUrl?: string | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly socket?: object | null | undefined
  readonly readableDidRead?: boolean | undefined
  readonly readableEnded?: boolean | undefined
  /** What a body parser of the host has made of it. */
  readonly body?: unknown
  /** The raw body, where the host keeps it. */
  readonly rawBody?: unknown
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown
  on(event: 'end' | 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  pause(): unknown
  resume(): unknown
}

/** What is used of Node's `ServerResponse`. */
export interface NodeResponse {
  statusCode: number
  setHeader(name: string, value: string | string[]): unknown
  end(body?: Uint8Array): unknown
}

/** A body as the host has left it. */
export type HostBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'raw'; readonly bytes: string | Uint8Array<ArrayBuffer> }
  /** Parsed, and the raw bytes are gone. */
  | { readonly kind: 'parsed'; readonly text: string }
  /** Nobody has read it. */
  | { readonly kind: 'stream' }

/** Where the body is. What was kept raw goes before what was parsed. */
export function hostBody(request: NodeRequest): HostBody {
  for (const kept of [request.rawBody, request.body]) {
    if (typeof kept === 'string') return { kind: 'raw', bytes: kept }
    if (kept instanceof Uint8Array) return { kind: 'raw', bytes: new Uint8Array(kept) }
  }
  // Parsers set `body` to an empty object where they have left the stream alone.
  // An empty body that a parser has read to its end counts as unread for Node.
  if (request.readableDidRead !== true) return { kind: request.readableEnded === true ? 'none' : 'stream' }
  if (request.body === undefined || request.body === null) return { kind: 'none' }
  return { kind: 'parsed', text: JSON.stringify(request.body) }
}

/** The web's request. */
export function webRequest(request: NodeRequest): Request {
  const { method = 'GET' } = request
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) {
    if (name.startsWith(':')) continue
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) headers.append(name, one)
  }
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const init: RequestInit = { method, headers }
  if (hasBody) Object.assign(init, bodyInit(request, headers))
  return new Request(urlOf(request), init)
}

function bodyInit(request: NodeRequest, headers: Headers): { body?: BodyInit; duplex?: 'half' } {
  const body = hostBody(request)
  if (body.kind === 'none') return {}
  if (body.kind === 'stream') return { body: streamOf(request), duplex: 'half' }
  // A parser has decompressed it, and what is parsed has another length now.
  headers.delete('content-encoding')
  headers.delete('content-length')
  return { body: body.kind === 'raw' ? body.bytes : body.text }
}

function urlOf({ originalUrl, url = '/', headers, socket }: NodeRequest): URL {
  const encrypted = (socket as { readonly encrypted?: boolean } | null | undefined)?.encrypted === true
  const path = (originalUrl ?? url).replace(/^https?:\/\/[^/?#]*/i, '') || '/'
  const host = headers.host ?? headers[':authority'] ?? 'localhost'
  const scheme = encrypted ? 'https' : 'http'
  try {
    return new URL(`${scheme}://${String(host)}${path}`)
  } catch {
    return new URL(`${scheme}://localhost${path.startsWith('/') ? path : '/'}`)
  }
}

/** Never destroys the request: the answer needs its socket. What is not wanted any more is drained. */
function streamOf(request: NodeRequest): ReadableStream<Uint8Array> {
  let done = false
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const end = (finish: () => void) => () => {
        if (done) return
        done = true
        finish()
      }
      request.on('data', (chunk) => {
        if (done) return
        controller.enqueue(new Uint8Array(chunk))
        if ((controller.desiredSize ?? 0) <= 0) request.pause()
      })
      request.on(
        'end',
        end(() => controller.close()),
      )
      const broken = end(() => controller.error(new Error('The request broke off')))
      request.on('error', broken)
      request.on('close', broken)
      request.pause()
    },
    pull() {
      request.resume()
    },
    cancel() {
      done = true
      request.resume()
    },
  })
}

/** Sends the web's response. */
export async function sendResponse(response: Response, to: NodeResponse): Promise<void> {
  const body = response.body === null ? undefined : new Uint8Array(await response.arrayBuffer())
  to.statusCode = response.status
  for (const [name, value] of headerList(response.headers)) to.setHeader(name, value)
  to.end(body)
}

/** The headers; several cookies stay several. */
export function headerList(headers: Headers): readonly (readonly [string, string | string[]])[] {
  const cookies = headers.getSetCookie()
  const others = [...headers].filter(([name]) => name !== 'set-cookie')
  return cookies.length === 0 ? others : [...others, ['set-cookie', cookies] as const]
}

/** Where the host has mounted the handler, as far as the path after the mount is not empty. */
export function mountPath(baseUrl: string | undefined, { originalUrl }: NodeRequest): string | undefined {
  if (baseUrl === undefined || baseUrl === '') return undefined
  return originalUrl?.split('?')[0] === baseUrl ? undefined : baseUrl
}

/** One request, from Node's to Node's. */
export async function serveNode(
  handler: Handler,
  request: NodeRequest,
  response: NodeResponse,
  mount: MountContext,
): Promise<void> {
  await sendResponse(await handler(webRequest(request), mount), response)
}
