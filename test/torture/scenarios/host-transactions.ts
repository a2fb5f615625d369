/** Tests 14 and 20: a pool of one that the application shares with the worker, and transactions that commit late and out of order. */
import { setTimeout as pause } from 'node:timers/promises'
import pRetry from 'p-retry'
import { openStore } from '../../../src/cli/open-store.ts'
import { seeded } from '../../../src/cli/torture/random.ts'
import { createWebhooks } from '../../../src/index.ts'
import { isTransient } from '../../../src/stores/sql/retry.ts'
import { quietLogger } from '../../support/setup.ts'
import { openHost } from '../bench/host.ts'
import type { Scenario } from '../scenario.ts'
import { startReceiver } from './transactional.ts'
import { noServer } from './under-harm.ts'

const PATIENCE_MS = 60_000
const options = { allowHttp: true, allowCidrs: ['127.0.0.0/8'], logger: quietLogger }

/** Waits until all that was committed has arrived, or nothing arrives any more, then compares. */
async function compare(committed: ReadonlySet<number>, received: ReadonlyMap<number, number>) {
  let seen = received.size
  for (let until = Date.now() + PATIENCE_MS; Date.now() < until; await pause(50)) {
    if ([...committed].every((id) => received.has(id))) break
    if (received.size > seen) until = Date.now() + PATIENCE_MS
    seen = received.size
  }
  const lost = [...committed].filter((id) => !received.has(id)).length
  const unexpected = [...received.keys()].filter((id) => !committed.has(id)).length
  return { lost, unexpected }
}

const wrong = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${count}`)

export const poolOfOne: Scenario = {
  number: 14,
  name: 'pool starved',
  kinds: ['postgres', 'mysql'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null || kind === 'sqlite') return noServer(kind)
    const { received, url } = await startReceiver(bench)
    const [heldMs, queryTimeoutMs] = bench.full ? [30_000, 10_000] : [1_500, 500]
    const host = openHost(bench, kind, place.url, { max: 1, queryTimeoutMs })
    const webhooks = createWebhooks({ store: host.store, ...options })
    bench.after(() => webhooks.stop())
    await webhooks.migrate()
    await webhooks.subscriptions.create({ tenantId: 'acme', url })
    await host.run('create table orders (id int primary key)')
    await webhooks.start()

    const tenantId = 'acme'
    const committed = new Set<number>()
    const problems: string[] = []
    const rounds = bench.full ? 1_000 : 40
    for (let id = 0; id < rounds; id++) {
      const outside = 10_000 + id
      let waiting: Promise<unknown> = Promise.resolve()
      await host.transaction(async ({ tx, run }) => {
        await run(`insert into orders (id) values (${id})`)
        // One without `tx` has to wait for the connection; the one with it must not.
        if (id % 10 === 0) waiting = webhooks.publish('order.paid', { id: outside }, { tenantId })
        waiting.catch(() => {})
        await webhooks.publish('order.paid', { id }, { tenantId, tx } as never)
        if (id % 5 !== 1) committed.add(id)
        return id % 5 !== 1
      })
      await waiting
      if (id % 10 === 0) committed.add(outside)
    }

    const giveBack = await host.hold()
    const begun = performance.now()
    const refused = await webhooks.publish('order.paid', { id: -1 }, { tenantId }).then(
      () => 'nothing',
      (error) => String(error.code),
    )
    const gaveUpMs = performance.now() - begun
    if (refused !== 'STORE_FAILED')
      problems.push(`a publish without a connection was refused with ${refused}`)
    await pause(Math.max(0, heldMs - gaveUpMs))
    giveBack()
    await webhooks.publish('order.paid', { id: 20_000 }, { tenantId })
    committed.add(20_000)

    const counts = await compare(committed, received)
    const duplicated = [...received.values()].filter((times) => times > 1).length
    return {
      problems: [...problems, ...wrong({ ...counts, duplicated })],
      figures: {
        ...counts,
        ...{ duplicated, recovered: 0, transactions: rounds, committed: committed.size },
        'gave up after ms': Math.round(gaveUpMs),
      },
    }
  },
}

export const commitOrder: Scenario = {
  number: 20,
  name: 'commit-order gaps',
  kinds: ['postgres', 'mysql'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null || kind === 'sqlite') return noServer(kind)
    const { received, newest, url } = await startReceiver(bench)
    const opened = await openStore(place)
    bench.after(() => opened.close())
    const worker = createWebhooks({ store: opened.store, ...options })
    bench.after(() => worker.stop())
    await worker.migrate()
    await worker.subscriptions.create({ tenantId: 'acme', url })
    await worker.start()

    const { writers, events, delayMs } = bench.full
      ? { writers: 200, events: 100_000, delayMs: 2_000 }
      : { writers: 40, events: 500, delayMs: 800 }
    const host = openHost(bench, kind, place.url, { max: writers })
    const publisher = createWebhooks({ store: host.store, ...options })
    bench.after(() => publisher.stop())
    const random = seeded(bench.seed)
    const committed = new Set<number>()
    let next = 0
    let overtaken = 0
    let repeated = 0
    async function write(): Promise<void> {
      while (next < events) {
        const id = next++
        const commits = random.next() >= 0.2
        const once = () =>
          host.transaction(async ({ tx }) => {
            await publisher.publish('order.paid', { id }, { tenantId: 'acme', tx } as never)
            await pause(random.between(0, delayMs))
            if (newest() > id) overtaken += 1
            return commits
          })
        // A deadlock in its transaction is the application's to repeat: nothing of it has been stored.
        await pRetry(once, {
          ...{ retries: 5, minTimeout: 10 },
          shouldRetry({ error }) {
            repeated += 1
            return isTransient(error)
          },
        })
        if (commits) committed.add(id)
        if (bench.full && id % 10_000 === 0) bench.say(`  ${id} of ${events} written`)
      }
    }
    await Promise.all(Array.from({ length: writers }, write))
    const counts = await compare(committed, received)
    await worker.drain()
    const duplicated = [...received.values()].filter((times) => times > 1).length
    return {
      problems: [
        ...wrong({ ...counts, duplicated }),
        ...(overtaken > 0 ? [] : ['no event was delivered before an older one had committed']),
      ],
      figures: { ...counts, duplicated, recovered: 0, committed: committed.size, overtaken, repeated },
    }
  },
}
