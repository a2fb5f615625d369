/**
 * A receiver that misbehaves on purpose: reads each request whole, then answers with the bytes of the mode that
 * the path names. It keeps what it got, so that a test can look at the wire, and knows which sockets are open.
 */
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'
import { type Mode, modes } from './evil-modes.ts'

/** One request as it came over the wire. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  /** Names as sent, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  /** Which connection it came on, counted from 1. */
  readonly connection: number
}

/** A running receiver. */
export interface EvilReceiver {
  readonly port: number
  readonly requests: readonly SeenRequest[]
  /** Connections accepted so far. */
  readonly accepted: number
  /** Sockets that are open now. */
  readonly open: number
  url(mode: string): string
  /** Resolves when no socket is open, at once if none is. */
  allClosed(): Promise<void>
  /** Closes every socket that is open, as a server closes idle connections. */
  hangUp(): void
  close(): Promise<void>
}

/** How the receiver behaves before any request. */
export interface EvilOptions {
  /** Serve TLS: with this fixture of `test/fixtures/tls`, or as these options say. */
  readonly tls?: string | TlsOptions
  /** Called with each new socket in place of reading requests from it. */
  readonly onAccept?: (socket: Socket) => void
}

/** The text of a file in `test/fixtures/tls`. */
export function tlsFixture(name: string): string {
  return readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url), 'utf8')
}

/** The key and the certificate of this name in `test/fixtures/tls`. */
export function certificateOf(name: string): { readonly key: string; readonly cert: string } {
  return { key: tlsFixture(`${name}.key`), cert: tlsFixture(name) }
}

/** Starts a receiver on a free port of the loopback. */
export async function evilReceiver(options: EvilOptions = {}): Promise<EvilReceiver> {
  const requests: SeenRequest[] = []
  const sockets = new Set<Socket>()
  const waiting = new Set<() => void>()
  let accepted = 0

  /** The TCP sockets below the TLS ones, by their port: only they can be reset. */
  const plain = new Map<number | undefined, Socket>()

  function accept(socket: Socket): void {
    const below = plain.get(socket.remotePort)
    if (below !== undefined) socket.resetAndDestroy = () => below.resetAndDestroy()
    sockets.add(socket)
    const connection = ++accepted
    socket.on('error', () => {})
    socket.on('close', () => {
      sockets.delete(socket)
      if (sockets.size > 0) return
      for (const resolve of waiting) resolve()
      waiting.clear()
    })
    if (options.onAccept !== undefined) options.onAccept(socket)
    else serve(socket, connection)
  }

  function serve(socket: Socket, connection: number): void {
    let received: Buffer = Buffer.alloc(0)
    let early: Mode | undefined
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      const path = /^POST (\S+) /.exec(received.toString('latin1', 0, 2000))?.[1]
      const mode = modes[path?.slice(1) ?? '']
      const now = mode?.atOnce === true || (mode?.atHalf === true && bodyShare(received) >= 0.5)
      if (mode !== undefined && now && early === undefined) {
        early = mode
        mode.answer(socket, 0)
      }
      for (;;) {
        const parsed = parse(received, connection)
        if (parsed === undefined) return
        received = received.subarray(parsed.length)
        requests.push(parsed.request)
        const named = modes[parsed.request.path.slice(1)]
        if (named === undefined) throw new Error(`no mode ${parsed.request.path}`)
        const onThisConnection = requests.filter((each) => each.connection === connection).length
        if (named !== early) named.answer(socket, onThisConnection)
      }
    })
  }

  const server: Server =
    options.tls === undefined
      ? createServer(accept)
      : createTlsServer(typeof options.tls === 'string' ? certificateOf(options.tls) : options.tls, accept)
  server.on('tlsClientError', () => {})
  if (options.tls !== undefined) server.prependListener('connection', (raw) => plain.set(raw.remotePort, raw))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const scheme = options.tls === undefined ? 'http' : 'https'

  const hangUp = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port,
    requests,
    get accepted() {
      return accepted
    },
    get open() {
      return sockets.size
    },
    url: (mode) => `${scheme}://${options.tls === undefined ? '127.0.0.1' : 'localhost'}:${port}/${mode}`,
    allClosed: () =>
      new Promise((resolve) => {
        if (sockets.size === 0) resolve()
        else waiting.add(resolve)
      }),
    hangUp,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        hangUp()
      }),
  }
}

/** How much of the body of the request at the start of these bytes has come, from 0 to 1. */
function bodyShare(bytes: Buffer): number {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return 0
  const length = Number(/content-length: (\d+)/i.exec(bytes.toString('latin1', 0, headEnd))?.[1] ?? 0)
  return length === 0 ? 1 : (bytes.length - headEnd - 4) / length
}

function parse(bytes: Buffer, connection: number): { request: SeenRequest; length: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const [requestLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const
  })
  const declared = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1]
  const length = headEnd + 4 + Number(declared ?? 0)
  if (bytes.length < length) return undefined
  const [method = '', path = ''] = requestLine.split(' ')
  return { request: { method, path, headers, body: bytes.subarray(headEnd + 4, length), connection }, length }
}
