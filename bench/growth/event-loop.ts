/** How long the event loop of the process is held up at full load, with small and with large bodies. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { GrowthRow, GrowthTask } from './process.ts'
import { hostUrl, open, publishMany } from './setting.ts'

const RESOLUTION_MS = 1

export async function eventLoop({ url, ports, size }: GrowthTask): Promise<readonly GrowthRow[]> {
  let ended = 0
  let look = (): void => {}
  const setting = await open(url, {
    ended() {
      ended += 1
      look()
    },
  })
  const { webhooks } = setting
  for (let host = 0; host < 5; host++)
    await webhooks.subscriptions.create({ tenantId: 'busy', url: hostUrl(ports, host) })
  await webhooks.start()

  async function loaded(what: string, events: number, bytes: number): Promise<GrowthRow> {
    const due = ended + events * 5
    const done = new Promise<void>((resolve) => {
      look = () => {
        if (ended >= due) resolve()
      }
    })
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    delay.enable()
    // Single calls, some at once, as an application makes them.
    let next = 0
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        while (next++ < events) await publishMany(setting, 1, { tenantId: 'busy' }, 'x'.repeat(bytes))
      }),
    )
    await done
    delay.disable()
    return {
      what,
      'p50 ms': delay.percentile(50) / 1e6 - RESOLUTION_MS,
      'p99 ms': delay.percentile(99) / 1e6 - RESOLUTION_MS,
    }
  }

  await loaded('warm-up', Math.ceil(size / 10), 900)
  const rows = [
    await loaded('event loop delay, 1 KB bodies', size, 900),
    await loaded('event loop delay, 256 KB bodies', Math.ceil(size / 50), 260_000),
  ]
  await setting.close()
  return rows
}
