/**
 * A link to a server that swallows what is sent, in both directions, and keeps the sockets open: half-open connections. One that
 * has lost bytes stays dead, as after a router that forgot it; one that was idle meanwhile goes on. The server learns of a client
 * that has gone only when the hole is over.
 */
import type { Socket } from 'node:net'
import type { Bench } from '../scenario.ts'
import { startTcpProxy } from './tcp-proxy.ts'

/** One connection through the link. */
export interface Line {
  /** It has sent a LISTEN. */
  readonly listens: boolean
  /** Bytes were lost on it. */
  readonly dead: boolean
}

export interface BlackHole {
  /** The server's URL, by way of the link. */
  readonly url: string
  /** Connections that clients hold open. */
  readonly lines: readonly Line[]
  /** Swallows everything: on all connections and on new ones, or, for good, on one. */
  open(one?: Line): void
  /** New connections go through, and those that lost nothing go on. */
  close(): void
}

type Way = {
  listens: boolean
  dead: boolean
  cut: boolean
  readonly client: Socket
  readonly upstream: Socket
}

export async function startBlackHole(bench: Pick<Bench, 'after'>, target: string): Promise<BlackHole> {
  const ways = new Set<Way>()
  let isOpen = false

  function carry(way: Way, from: Socket, to: Socket): void {
    from.on('data', (data) => {
      way.dead ||= isOpen || way.cut
      if (way.dead) return
      way.listens ||= from === way.client && data.includes('listen "')
      if (to.write(data)) return
      from.pause()
      to.once('drain', () => from.resume())
    })
  }

  const url = await startTcpProxy(bench, target, (client, upstream) => {
    const way: Way = { listens: false, dead: false, cut: false, client, upstream }
    ways.add(way)
    carry(way, client, upstream)
    carry(way, upstream, client)
    client.on('close', () => {
      if (!isOpen) forget(way)
    })
    upstream.on('close', () => {
      if (!way.dead) client.destroy()
    })
  })

  function forget(way: Way): void {
    way.upstream.destroy()
    ways.delete(way)
  }

  return {
    url,
    get lines() {
      return [...ways].filter(({ client }) => !client.destroyed)
    },
    open(one) {
      if (one === undefined) isOpen = true
      else for (const way of ways) if (way === one) way.cut = true
    },
    close() {
      isOpen = false
      for (const way of ways) if (way.client.destroyed) forget(way)
    },
  }
}
