/** A sending process of a stage: delivers as it is told to, writes down what its hooks were told, and measures itself. */
import { openSync, writeSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { openStore } from '../../../src/cli/open-store.ts'
import { createWebhooks } from '../../../src/index.ts'
import type { Transport } from '../../../src/transport.ts'
import { kyTransport } from '../../../src/transports/ky.ts'
import { undiciTransport } from '../../../src/transports/undici.ts'
import type { Carrier, Entry, Measured, SenderOrder, SenderSettings, Told } from '../stage/words.ts'

const NANOS_PER_MS = 1_000_000

export async function runSender(): Promise<void> {
  const {
    place,
    name,
    ledger,
    options,
    carrier = {},
  } = JSON.parse(process.env.SENDER ?? '{}') as SenderSettings
  const longestTimerMs = watchTimers()
  const flight = countFlight(transportOf(carrier, name))
  const file = openSync(ledger, 'a')
  const tell = (told: Told): void => void writeSync(file, `${JSON.stringify(told)}\n`)
  const opened = await openStore(place)
  const webhooks = createWebhooks({
    store: opened.store,
    transport: flight.transport,
    allowHttp: true,
    allowCidrs: ['127.0.0.0/8'],
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    hooks: {
      ended: ({ deliveryId, eventId, state }) => tell({ kind: 'ended', deliveryId, eventId, state }),
      noticed(notice) {
        if (notice.notice === 'exhausted') tell({ kind: 'exhausted', deliveryId: notice.delivery.id })
      },
    },
    ...options,
  })
  const loop = monitorEventLoopDelay({ resolution: 5 })
  loop.enable()
  let maxRss = 0
  const sampler = setInterval(() => {
    maxRss = Math.max(maxRss, process.memoryUsage.rss())
  }, 100)

  async function publish(entries: readonly Entry[]): Promise<void> {
    const now = entries.map((entry) => ({ ...entry, data: { ...entry.data, sent: Date.now() } }))
    const published = await webhooks.publishMany(now)
    process.send?.({ ids: published.map(({ id }) => id) })
  }

  process.on('message', (order: SenderOrder) => {
    if ('publish' in order) return void publish(order.publish)
    const measured: Measured = {
      ...flight.peaks(),
      loopP99Ms: loop.percentile(99) / NANOS_PER_MS,
      maxRssMb: Math.round(maxRss / 1_048_576),
      rssMb: Math.round(process.memoryUsage.rss() / 1_048_576),
      longestTimerMs: longestTimerMs(),
    }
    loop.reset()
    process.send?.({ measured })
  })
  process.on('SIGTERM', async () => {
    clearInterval(sampler)
    await webhooks.stop()
    await opened.close()
    process.exit(0)
  })
  process.on('disconnect', () => process.exit(0))
  await webhooks.start()
  process.send?.({ ready: true })
}

function transportOf({ transport, ca }: Carrier, userAgent: string): Transport {
  const options = { userAgent, ...(ca === undefined ? {} : { tls: { ca } }) }
  return transport === 'ky' ? kyTransport(options) : undiciTransport(options)
}

/** What is in flight, counted where it is sent: exact, while a receiver sees the end of a request a little later. */
function countFlight(inner: Transport) {
  const open = new Map<string, number>()
  const peakByUrl: Record<string, number> = {}
  let total = 0
  let peak = 0
  const transport: Transport = {
    name: inner.name,
    close: () => inner.close(),
    async send(request) {
      const { url } = request
      const now = (open.get(url) ?? 0) + 1
      open.set(url, now)
      total += 1
      peakByUrl[url] = Math.max(peakByUrl[url] ?? 0, now)
      peak = Math.max(peak, total)
      try {
        return await inner.send(request)
      } finally {
        total -= 1
        open.set(url, (open.get(url) ?? 1) - 1)
      }
    },
  }
  return { transport, peaks: () => ({ peak, peakByUrl }) }
}

/** The longest wait that a timer of this process was ever given. */
function watchTimers(): () => number {
  const given = globalThis.setTimeout
  let longest = 0
  const watched = (work: () => void, ms?: number, ...rest: unknown[]) => {
    longest = Math.max(longest, ms ?? 0)
    return given(work, ms, ...rest)
  }
  globalThis.setTimeout = Object.assign(watched, given) as typeof setTimeout
  return () => longest
}
