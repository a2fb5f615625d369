/** A TCP proxy before a server: it listens, connects and tidies up. What passes between the two sockets is its caller's. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { Bench } from '../scenario.ts'

/**
 * Starts one on a port of its own and returns the target's URL by way of it. Sockets that fail close without a word; those that
 * are still open when the scenario is over are destroyed.
 *
 * @param join Called for each client with a new connection to the target; nothing is forwarded but by what it attaches.
 */
export async function startTcpProxy(
  bench: Pick<Bench, 'after'>,
  target: string,
  join: (client: Socket, upstream: Socket) => void,
): Promise<string> {
  const url = new URL(target)
  const { hostname, port } = url
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket
        .setNoDelay(true)
        .on('error', () => {})
        .on('close', () => sockets.delete(socket))
    }
    join(client, upstream)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  bench.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return url.href
}
