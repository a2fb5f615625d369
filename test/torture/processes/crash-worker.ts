/**
 * A worker that kills itself, with SIGKILL, at the point named by `CRASH`: around a call of the store, around the request, or after
 * one statement of a transaction. What it leaves is what another worker finds.
 */
import { openStore } from '../../../src/cli/open-store.ts'
import { createWebhooks, schedule } from '../../../src/index.ts'
import type { Store } from '../../../src/store.ts'
import type { Transport } from '../../../src/transport.ts'
import { undiciTransport } from '../../../src/transports/undici.ts'
import { quietLogger } from '../../support/setup.ts'
import { openMortalStore } from './last-statement.ts'

/** Where a worker dies, and how it works until then. */
export interface Crash {
  /** `before` or `after` and the name of a call of the store or the transport. */
  readonly point?: string
  /** Of `after record`: so many outcomes are stored by then. @default 1 */
  readonly outcomes?: number
  /** The source of a pattern that a statement's text fits. */
  readonly statement?: string
  /** Works by `tick`, which begins with the upkeep, and prunes what is a minute old. */
  readonly prunes?: boolean
}

const die = (): never => {
  process.kill(process.pid, 'SIGKILL')
  for (;;);
}

/** Dies before the call of this name begins, or once its answer is there. */
function mortal<Thing extends object>(thing: Thing, { point = 'never', outcomes = 1 }: Crash): Thing {
  const [when, method] = point.split(' ')
  let stored = 0
  return new Proxy(thing, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (name !== method || typeof value !== 'function') return value
      return async (...given: unknown[]) => {
        if (name === 'record' && (given[0] as unknown[]).length === 0) return value.apply(target, given)
        if (when === 'before') die()
        const answer: unknown = await value.apply(target, given)
        if (name === 'record') stored += (given[0] as unknown[]).length
        const enough = name !== 'record' || stored >= outcomes
        const worth = name !== 'claim' || (answer as { work: unknown[] }).work.length > 0
        if (enough && worth) die()
        return answer
      }
    },
  })
}

export async function runCrashWorker(): Promise<void> {
  const { place, timeoutMs, ...crash } = JSON.parse(process.env.CRASH ?? '{}')
  const { statement, prunes }: Crash = crash
  const store =
    statement === undefined
      ? ((await openStore(place)).store as Store<never>)
      : openMortalStore(place, new RegExp(statement, 'i'), die)
  const transport: Transport = undiciTransport()
  const webhooks = createWebhooks({
    store: mortal(store, crash),
    transport: mortal(transport, crash),
    allowHttp: true,
    allowCidrs: ['127.0.0.0/8'],
    timeoutMs,
    retry: schedule(Array.from({ length: 20 }, () => '1s' as const)),
    logger: quietLogger,
    ...(prunes === true ? { retention: { finishedMs: 60_000, bodiesMs: 60_000, keysMs: 60_000 } } : {}),
  })
  process.on('disconnect', () => process.exit(0))
  if (prunes !== true) return webhooks.start()
  await webhooks.tick({ budgetMs: 10_000 })
  process.exit(0)
}
