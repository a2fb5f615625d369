/**
 * Opens connections through a forward proxy. The proxy resolves names and dials; the guard has judged the text of the
 * URL, and TLS runs from here to the receiver, so that the proxy sees neither requests nor answers of https receivers.
 */
import type { LookupAddress } from 'node:dns'
import type { Socket } from 'node:net'
import { buildConnector } from 'undici'
import { type Connect, type ConnectorOptions, handshakeFailure, serverName, tooSlow } from './connector.ts'
import { failureError } from './failure.ts'
import type { ForwardProxy } from './proxy-settings.ts'
import { openTunnel } from './proxy-tunnel.ts'

/** What stands in the place of judged addresses where the proxy is dialled for all of them. */
export const THROUGH_PROXY: readonly LookupAddress[] = [{ address: 'proxy', family: 0 }]

/** Makes the function that opens tunnels. */
export function createProxyConnector(options: ConnectorOptions, proxy: ForwardProxy): Connect {
  const secure = buildConnector({ ...options.tls, rejectUnauthorized: true, timeout: 0 })

  return (target, _addresses, callback) => {
    let over = false
    let inHandshake = false
    const finish: typeof callback = (...outcome) => {
      if (over) return
      over = true
      timer.cancel()
      callback(...outcome)
    }
    const fail = (error: Error) => finish(inHandshake ? handshakeFailure(error) : error, null)
    const giveUp = (error: Error) => {
      fail(error)
      socket.destroy()
    }
    const { hostname, protocol } = target
    const port = target.port || (protocol === 'https:' ? '443' : '80')
    const host = hostname.includes(':') ? `[${hostname.replace(/^\[|\]$/g, '')}]` : hostname
    const socket: Socket = openTunnel(proxy, `${host}:${port}`, (...outcome) => {
      if (outcome[0] !== null) return fail(outcome[0])
      const [, tunnel] = outcome
      if (protocol !== 'https:') return finish(null, tunnel, 'proxy')
      inHandshake = true
      const through = { ...target, servername: serverName(target), httpSocket: tunnel }
      secure(through, (failure, opened) => {
        if (failure !== null) fail(failure)
        else finish(null, opened as Socket, 'proxy')
      })
    })
    const timer = options.clock.setTimer(() => giveUp(tooSlow(inHandshake)), options.connectTimeoutMs)
    return () => {
      if (!over) giveUp(failureError('aborted', 'The attempt was stopped.'))
    }
  }
}
