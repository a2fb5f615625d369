/** Sends over very many origins with the default transport, and counts what it keeps of them: connections, origins, heap. */
import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { undiciTransport } from '../../../src/transports/undici.ts'

/** `ORIGINS`, as JSON. */
export interface OriginsSettings {
  /** Of the receiver, which listens on every loopback address. */
  readonly port: number
  readonly origins: number
  readonly rounds: number
  readonly atOnce: number
  /** @default that of the transport */
  readonly maxIdle?: number
}

/** What it says when it is done. */
export interface OriginsFound {
  readonly failed: number
  readonly mostOpen: number
  readonly mostOrigins: number
  /** Kept when the last idle connection had closed. */
  readonly left: number
  /** Bytes of the heap more than before, for each origin: while connections are kept, and when none is. */
  readonly keptPerOrigin: number
  readonly bytesPerOrigin: number
}

/** One request to each of these brings the code and the pools of Node to their size. */
const WARM_UP = 500

export async function runOrigins(): Promise<void> {
  const { port, origins, rounds, atOnce, maxIdle } = JSON.parse(
    process.env.ORIGINS ?? '{}',
  ) as OriginsSettings
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heap = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const transport = undiciTransport(maxIdle === undefined ? {} : { maxIdleConnections: maxIdle })
  let failed = 0
  let mostOpen = 0
  let mostOrigins = 0

  async function send(net: number, origin: number): Promise<void> {
    const url = `http://127.${net}.${origin >> 8}.${origin & 255}:${port}/`
    const result = await transport.send({ url, headers: {}, body: Buffer.from('{}'), deadlineMs: 15_000 })
    if (result.kind === 'failure') failed += 1
    const { open, origins: known } = transport.stats()
    mostOpen = Math.max(mostOpen, open)
    mostOrigins = Math.max(mostOrigins, known)
  }
  async function round(net: number, count: number): Promise<void> {
    let next = 0
    const one = async () => {
      while (next < count) await send(net, next++)
    }
    await Promise.all(Array.from({ length: atOnce }, one))
  }
  const untilClosed = async () => {
    while (transport.stats().open > 0) await pause(100)
  }

  await round(1, WARM_UP)
  await untilClosed()
  const before = heap()
  for (let nth = 0; nth < rounds; nth++) await round(2, origins)
  const kept = heap()
  await untilClosed()
  const { open, origins: known } = transport.stats()
  const found: OriginsFound = {
    ...{ failed, mostOpen, mostOrigins, left: open + known },
    keptPerOrigin: Math.round((kept - before) / origins),
    bytesPerOrigin: Math.round((heap() - before) / origins),
  }
  process.on('disconnect', () => process.exit(0))
  process.send?.(found)
}
