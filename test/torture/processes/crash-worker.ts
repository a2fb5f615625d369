/**
 * A worker that kills itself, with SIGKILL, at the point named by `POINT`: around a call of the store, or around the request.
 * Its one delivery is then what another worker finds.
 */
import { openStore } from '../../../src/cli/open-store.ts'
import { createWebhooks, schedule } from '../../../src/index.ts'
import type { Store } from '../../../src/store.ts'
import type { Transport } from '../../../src/transport.ts'
import { undiciTransport } from '../../../src/transports/undici.ts'

const die = (): never => {
  process.kill(process.pid, 'SIGKILL')
  for (;;);
}

/** Dies before the call of this name begins, or once its answer is there. */
function mortal<Thing extends object>(thing: Thing, point: string): Thing {
  const [when, method] = point.split(' ')
  return new Proxy(thing, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return async (...given: unknown[]) => {
        const empty = name === 'record' && Array.isArray(given[0]) && given[0].length === 0
        if (name === method && when === 'before' && !empty) die()
        const answer: unknown = await value.apply(target, given)
        const worth = name === 'claim' ? (answer as { work: unknown[] }).work.length > 0 : !empty
        if (name === method && when === 'after' && worth) die()
        return answer
      }
    },
  })
}

export async function runCrashWorker(): Promise<void> {
  const { place, point, timeoutMs } = JSON.parse(process.env.CRASH ?? '{}')
  const opened = await openStore(place)
  const transport: Transport = undiciTransport()
  const webhooks = createWebhooks({
    store: mortal(opened.store as Store<never>, point),
    transport: mortal(transport, point),
    allowHttp: true,
    allowCidrs: ['127.0.0.0/8'],
    timeoutMs,
    retry: schedule(Array.from({ length: 20 }, () => '1s' as const)),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  })
  process.on('disconnect', () => process.exit(0))
  await webhooks.start()
}
