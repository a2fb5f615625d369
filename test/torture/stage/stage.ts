/**
 * What the scenarios of the delivery policy stand on: endpoints in a process of their own, each on a port of its own, sending
 * processes that can be killed, a publisher that remembers what was acknowledged, and the ledgers of all.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { type OpenedStore, openStore, type StorePlace } from '../../../src/cli/open-store.ts'
import { readLedger } from '../../../src/cli/torture/ledger.ts'
import { SECRET } from '../../../src/cli/torture/settings.ts'
import { anyTenant, createWebhooks } from '../../../src/index.ts'
import { temporaryFolder } from '../../support/databases/server.ts'
import { quietLogger } from '../../support/setup.ts'
import type { Bench } from '../scenario.ts'
import type {
  Arrival,
  Behaviour,
  Carrier,
  Entry,
  Measured,
  ReceiverOrder,
  SenderOptions,
  SenderOrder,
  Told,
} from './words.ts'

const PATIENCE_MS = 180_000
const LOOK_MS = 100
const BATCH = 200

/** A sending process. */
export interface Sender {
  readonly name: string
  /** Publishes in one call, in the sending process itself. */
  publish(events: readonly ToPublish[]): Promise<string[]>
  /** What it measured since it was asked last. */
  measure(): Promise<Measured>
  /** SIGKILL, or SIGTERM and its planned stop. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
}

/** An event that is to be published. */
export interface ToPublish {
  readonly tenantId: string
  readonly orderingKey?: string
  readonly type?: string
  readonly data?: object
}

/** See the file's header. */
export interface Stage {
  readonly place: StorePlace
  readonly opened: OpenedStore
  readonly webhooks: ReturnType<typeof openWebhooks>
  /** By number of the endpoint. */
  readonly urls: readonly string[]
  /** A subscription of this tenant to the endpoint of this number. */
  subscribe(tenantId: string, endpoint: number, extra?: object): Promise<string>
  behave(endpoints: readonly number[] | 'all', behave: Behaviour): Promise<void>
  /** Publishes in order, so many in a call, and returns the ids. `key` and `n` are found again in the ledger. */
  publish(events: readonly ToPublish[], batch?: number): Promise<string[]>
  sender(options: SenderOptions, carrier?: Carrier): Promise<Sender>
  /** Every request so far. */
  arrivals(): Promise<Arrival[]>
  /** What the hooks were told so far, here and in the senders. */
  told(): Told[]
  /** Until no more than so many rows are queued, or nothing has moved for long. Says how many are left. */
  untilQuiet(rest?: number): Promise<number>
}

const openWebhooks = (opened: OpenedStore, heard: Told[]) =>
  createWebhooks({
    store: opened.store,
    allowHttp: true,
    allowCidrs: ['127.0.0.0/8'],
    maxBodyBytes: 1_048_576,
    logger: quietLogger,
    hooks: {
      ended: ({ deliveryId, eventId, state }) => heard.push({ kind: 'ended', deliveryId, eventId, state }),
    },
  })

/** Sets the stage in an empty database; all of it is cleared away with the bench. */
export async function openStage(bench: Bench, place: StorePlace, endpoints: number): Promise<Stage> {
  const folder = await temporaryFolder('stage')
  bench.after(folder.remove)
  const opened = await openStore(place)
  bench.after(async () => {
    await opened.store.close()
    await opened.close()
  })
  const heard: Told[] = []
  const webhooks = openWebhooks(opened, heard)
  bench.after(() => webhooks.stop())
  await webhooks.migrate()

  const received = `${folder.path}/received`
  const ledgers: string[] = []
  const receiver = startPart(bench, 'endpoints', {
    ENDPOINTS: JSON.stringify({ endpoints, ledger: received, seed: bench.seed }),
  })
  const [{ ports }] = (await once(receiver, 'message')) as [{ ports: number[] }]
  const urls = ports.map((port) => `http://127.0.0.1:${port}/`)
  let asked: Promise<unknown> = Promise.resolve()
  /** One at a time: the answers have no names. */
  function ask(order: ReceiverOrder): Promise<void> {
    const answered = asked.then(async () => {
      receiver.send(order)
      await once(receiver, 'message')
    })
    asked = answered
    return answered
  }
  let published = 0
  const entriesOf = (events: readonly ToPublish[]): Entry[] =>
    events.map(({ type = 'stage.event', data, ...rest }) => ({
      ...{ ...rest, type },
      data: { key: rest.orderingKey ?? '', n: published++, sent: Date.now(), ...data },
    }))

  return {
    place,
    opened,
    webhooks,
    urls,
    async subscribe(tenantId, endpoint, extra = {}) {
      const url = urls[endpoint] ?? ''
      const { subscription } = await webhooks.subscriptions.create({
        tenantId,
        url,
        secret: SECRET,
        ...extra,
      })
      return subscription.id
    },
    behave: (chosen, behave) => ask({ behave, endpoints: chosen }),
    async publish(events, batch = BATCH) {
      const ids: string[] = []
      for (let from = 0; from < events.length; from += batch) {
        const some = await webhooks.publishMany(entriesOf(events.slice(from, from + batch)))
        for (const { id } of some) ids.push(id)
      }
      return ids
    },
    async sender(options, carrier) {
      const name = `sender-${ledgers.length + 1}`
      const ledger = `${folder.path}/${name}`
      ledgers.push(ledger)
      const settings = { place, name, ledger, options, carrier }
      const child = startPart(bench, 'sender', { SENDER: JSON.stringify(settings) })
      await once(child, 'message')
      function order<Answer>(given: SenderOrder): Promise<[Answer]> {
        const answer = once(child, 'message') as Promise<[Answer]>
        child.send(given)
        return answer
      }
      return {
        name,
        async publish(events) {
          const [{ ids }] = await order<{ ids: string[] }>({ publish: entriesOf(events) })
          return ids
        },
        async measure() {
          return (await order<{ measured: Measured }>({ measure: true }))[0].measured
        },
        async end(signal) {
          const exited = once(child, 'exit')
          child.kill(signal)
          await exited
        },
      }
    },
    async arrivals() {
      await ask({ flush: true })
      return existsSync(received) ? readLedger<Arrival>(received) : []
    },
    told: () => [
      ...heard,
      ...ledgers.flatMap((ledger) => (existsSync(ledger) ? readLedger<Told>(ledger) : [])),
    ],
    async untilQuiet(rest = 0) {
      let best = Number.POSITIVE_INFINITY
      for (let movedAt = Date.now(); Date.now() - movedAt < PATIENCE_MS; await pause(LOOK_MS)) {
        const { due, scheduled, held } = await opened.store.backlog({ tenant: anyTenant })
        const left = due + scheduled + held
        if (left <= rest) return left
        if (left !== best) movedAt = Date.now()
        best = left
      }
      return best
    },
  }
}

/** Starts a part of the probe in a process of its own, which ends with the bench. */
export function startPart(bench: Bench, part: string, env: Readonly<Record<string, string>>): ChildProcess {
  const child = fork(bench.programs.probe, [part], {
    env: { ...process.env, ...env },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  bench.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  })
  return child
}
