/** A sending process: delivers until SIGTERM, then stops as planned. It is what the driver kills. */

import { systemClock } from '../../clock.ts'
import { createWebhooks, schedule } from '../../index.ts'
import { undiciTransport } from '../../transports/undici.ts'
import { openStore } from '../open-store.ts'
import { ledgers, RETRY_MS, readSettings, WORKER } from './settings.ts'
import { tellingClaims, writingDown } from './telling.ts'

export async function runWorker(): Promise<void> {
  const settings = readSettings()
  const name = process.env[WORKER] ?? 'worker'
  const opened = await openStore(settings.place)
  const store = writingDown(opened.store, ledgers(settings.folder).worker(name))
  const webhooks = createWebhooks({
    store: settings.tellClaimsMs === undefined ? store : tellingClaims(store, settings.tellClaimsMs),
    transport: undiciTransport({ userAgent: name }),
    allowHttp: true,
    allowCidrs: ['127.0.0.0/8'],
    timeoutMs: settings.timeoutMs,
    ...(settings.retentionMs === undefined
      ? {}
      : { retention: { finishedMs: settings.retentionMs, bodiesMs: settings.retentionMs } }),
    concurrency: settings.concurrency,
    concurrencyPerSubscription: settings.concurrency,
    concurrencyPerOrigin: settings.concurrency,
    // A receiver that hangs for a while is to be asked again, not left alone.
    ...(settings.hangsMs === undefined ? {} : { breaker: false }),
    retry: schedule([
      ...Array.from({ length: 10 }, () => RETRY_MS),
      ...Array.from({ length: 20 }, () => '5s' as const),
    ]),
    logger: { debug: nothing, info: nothing, warn: tell, error: tell },
  })
  async function stop(): Promise<void> {
    await webhooks.stop(settings.drainMs === undefined ? {} : { drainMs: settings.drainMs })
    await opened.close()
    process.exit(0)
  }
  process.on('SIGTERM', () => void stop())
  process.on('message', ({ blockMs }: { blockMs?: number }) => {
    if (blockMs === undefined) return
    const until = systemClock.monotonic() + blockMs
    while (systemClock.monotonic() < until);
    process.send?.({ wokenAt: systemClock.now() })
  })
  process.on('message', ({ ask, times = 0 }: { ask?: string; times?: number }) => {
    if (ask === undefined) return
    const asked = Array.from({ length: times }, async () => {
      const [row] = await opened.query(ask).catch(() => [])
      return row === undefined ? 'refused' : String(Object.values(row)[0])
    })
    void Promise.all(asked).then((answers) => process.send?.({ answers }))
  })
  process.on('disconnect', () => process.exit(0))
  process.on('unhandledRejection', (cause) => {
    process.send?.({ unhandled: String(cause) })
    process.exit(1)
  })
  await webhooks.start()
  process.send?.({ ready: true })
}

const nothing = () => {}

function tell(_details: object, message?: string): void {
  if (process.connected) process.send?.({ warning: message ?? '' })
}
