/** How a tunnel through a forward proxy is asked for. */
import type { Socket } from 'node:net'
import { connect as tcp } from 'node:net'
import { connect as tls } from 'node:tls'
import { failureError } from './failure.ts'
import type { ForwardProxy } from './proxy-settings.ts'

/** More than any answer to CONNECT needs. */
const MAX_ANSWER_BYTES = 16 * 1024

/**
 * Opens a tunnel (CONNECT, RFC 9110 section 9.3.6) to `authority` (`host:port`). Calls back once, with the socket as it
 * is after the proxy's answer; the returned socket is for giving up.
 */
export function openTunnel(
  proxy: ForwardProxy,
  authority: string,
  done: (...outcome: [error: Error] | [error: null, socket: Socket]) => void,
): Socket {
  const { hostname: host, port } = proxy
  const socket = proxy.secure
    ? tls({ host, port, servername: /^[\d.]+$|:/.test(host) ? '' : host, ALPNProtocols: ['http/1.1'] })
    : tcp({ host, port })
  let answer = ''

  const end = (...outcome: Parameters<typeof done>) => {
    socket.off('readable', read)
    socket.off('error', end)
    socket.off('end', cut)
    if (outcome[0] !== null) socket.on('error', () => {}).destroy()
    done(...outcome)
  }
  const cut = () => end(refused())
  function read(): void {
    const chunk: Buffer | null = socket.read()
    if (chunk === null) return
    answer += chunk.toString('latin1')
    const head = answer.indexOf('\r\n\r\n')
    if (head === -1) {
      if (answer.length > MAX_ANSWER_BYTES) end(refused())
      return
    }
    if (!/^HTTP\/1\.[01] 2\d\d\b/.test(answer)) {
      end(refused())
      return
    }
    const rest = answer.slice(head + 4)
    if (rest !== '') socket.unshift(Buffer.from(rest, 'latin1'))
    end(null, socket)
  }

  socket.setNoDelay(true)
  socket.on('error', end)
  socket.on('end', cut)
  socket.on('readable', read)
  socket.once(proxy.secure ? 'secureConnect' : 'connect', () => {
    const authorization =
      proxy.authorization === null ? '' : `Proxy-Authorization: ${proxy.authorization}\r\n`
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${authorization}\r\n`)
  })
  return socket
}

const refused = () => failureError('connect', 'The forward proxy made no connection to the receiver.')
