/** A link to a server that can be made slow: one rate each way for all connections together, and a delay that varies. */
import type { Socket } from 'node:net'
import type { Seeded } from '../../../src/cli/torture/random.ts'
import type { Bench } from '../scenario.ts'
import { startTcpProxy } from './tcp-proxy.ts'

/** How slow. */
export interface Slowness {
  readonly bytesPerS: number
  /** Delay of each piece: from, to. */
  readonly delayMs: readonly [number, number]
}

export interface SlowLink {
  /** The server's URL, by way of the link. */
  readonly url: string
  /** Null: as fast as it can. What is on its way already stays slow. */
  set(slowness: Slowness | null): void
  /** Bytes that went through while it was slow. */
  readonly carried: number
}

/** More than that waits in the sender's buffers. */
const QUEUED_BYTES = 65_536

export async function startSlowLink(bench: Bench, target: string, random: Seeded): Promise<SlowLink> {
  let slowness: Slowness | null = null
  let carried = 0

  /** One direction of the whole link: what is sent waits for what was sent before it. */
  const direction = () => ({ freeAt: 0 })
  const [up, down] = [direction(), direction()]

  /** Pieces leave in the order in which they came, whatever the timers do. */
  function carry(from: Socket, to: Socket, way: { freeAt: number }): void {
    const queue: { readonly data: Buffer; readonly arrivesAt: number }[] = []
    let queued = 0
    let timer: NodeJS.Timeout | null = null
    let ended = false

    function deliver(): void {
      timer = null
      const now = performance.now()
      while (queue[0] !== undefined && queue[0].arrivesAt <= now) {
        const { data } = queue.shift() ?? { data: Buffer.alloc(0) }
        queued -= data.length
        if (!to.destroyed) to.write(data)
      }
      if (queued <= QUEUED_BYTES) from.resume()
      const [next] = queue
      if (next !== undefined) timer = setTimeout(deliver, next.arrivesAt - now)
      else if (ended) to.end()
    }

    from.on('data', (data) => {
      const now = performance.now()
      let arrivesAt = queue.at(-1)?.arrivesAt ?? now
      if (slowness !== null) {
        way.freeAt = Math.max(now, way.freeAt) + (data.length / slowness.bytesPerS) * 1_000
        arrivesAt = Math.max(arrivesAt, way.freeAt + random.between(...slowness.delayMs))
        carried += data.length
      }
      queue.push({ data, arrivesAt })
      queued += data.length
      if (queued > QUEUED_BYTES) from.pause()
      if (timer === null) deliver()
    })
    from.on('close', () => {
      ended = true
      if (timer === null) deliver()
    })
  }

  const url = await startTcpProxy(bench, target, (client, upstream) => {
    carry(client, upstream, up)
    carry(upstream, client, down)
  })
  return {
    url,
    set(next) {
      slowness = next
    },
    get carried() {
      return carried
    },
  }
}
