/** A receiver that closes every connection after 1 to 5 ms of rest, in a process of its own: its close and the next request cross. */
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { seeded } from '../../../src/cli/torture/random.ts'

const REST_MS = [1, 5] as const

/** What it says when it is asked. */
export interface RestlessFound {
  /** Different ones, and all that came whole. */
  readonly messages: number
  readonly requests: number
  /** Connections that it closed while they rested. */
  readonly closed: number
}

/** `RESTLESS`: the seed. */
export async function runRestless(): Promise<void> {
  const random = seeded(Number(process.env.RESTLESS))
  const messages = new Set<string>()
  const resting = new Map<Socket, NodeJS.Timeout>()
  let requests = 0
  let closed = 0
  const server = createServer((request, response) => {
    const { socket } = request
    clearTimeout(resting.get(socket))
    request.resume()
    request.on('end', () => {
      messages.add(String(request.headers['webhook-id']))
      requests += 1
      response.writeHead(204).end()
    })
    response.on('finish', () => {
      const end = () => {
        resting.delete(socket)
        if (!socket.destroyed) closed += 1
        socket.destroy()
      }
      resting.set(socket, setTimeout(end, random.between(...REST_MS)))
    })
  })
  process.on('message', () => {
    process.send?.({ messages: messages.size, requests, closed } satisfies RestlessFound)
  })
  process.on('disconnect', () => process.exit(0))
  server.listen(0, '127.0.0.1', () => {
    process.send?.({ port: (server.address() as AddressInfo).port })
  })
}
