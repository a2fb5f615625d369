/** The store under test beside the memory store: what one takes the other takes, and what one refuses the other refuses alike. */
import { type OpenedStore, openStore, type StorePlace } from '../../../../src/cli/open-store.ts'
import { createWebhooks, isPosthornError, type Webhooks } from '../../../../src/index.ts'
import type { WebhooksOptions } from '../../../../src/options.ts'
import type { Store } from '../../../../src/store.ts'
import { memoryStore } from '../../../../src/stores/memory.ts'
import { type FakeTransport, fakeTransport } from '../../../../src/testing/fake-transport.ts'
import { quietLogger } from '../../../support/setup.ts'
import type { Bench } from '../../scenario.ts'

/** A sender that sends nothing, and what it would have sent. */
export interface Side {
  readonly name: string
  readonly store: Store<never>
  readonly webhooks: Webhooks
  readonly transport: FakeTransport
}

/** The memory store first. */
export async function bothSides(
  bench: Bench,
  kind: string,
  place: StorePlace,
  options: Pick<WebhooksOptions, 'hooks'> = {},
): Promise<{ sides: readonly [Side, Side]; opened: OpenedStore }> {
  const opened = await openStore(place)
  bench.after(() => opened.close())
  const [memory, tested] = [memoryStore(), opened.store].map((store) => {
    const transport = fakeTransport()
    const webhooks = createWebhooks({
      ...{ store, transport, logger: quietLogger, maxBodyBytes: MAX_BYTES },
      ...options,
    })
    bench.after(() => webhooks.stop())
    return { store: store as Store<never>, webhooks, transport }
  })
  if (memory === undefined || tested === undefined) throw new Error('There are two sides.')
  await tested.webhooks.migrate()
  return {
    sides: [
      { name: 'memory', ...memory },
      { name: kind, ...tested },
    ],
    opened,
  }
}

/** The largest body there can be. */
export const MAX_BYTES = 1_048_576

/** What a call came to, as text: its answer, or the code of its refusal. Anything else that is thrown is an outcome of its own. */
export async function outcomeOf(call: () => Promise<string>): Promise<string> {
  try {
    return await call()
  } catch (error) {
    if (!isPosthornError(error)) return `threw ${String(error)}`
    return error.code.startsWith('STORE') ? `the store failed: ${error.message}` : `refused ${error.code}`
  }
}

/** True of an outcome that no call may have. */
export const isFault = (outcome: string): boolean => /^(threw|the store failed)/.test(outcome)

/** Runs them, so many at a time. */
export async function inChunks<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
  size = 25,
): Promise<Result[]> {
  const results: Result[] = []
  for (let at = 0; at < items.length; at += size)
    results.push(...(await Promise.all(items.slice(at, at + size).map((item, nth) => work(item, at + nth)))))
  return results
}
