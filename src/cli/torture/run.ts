/** One run: a fresh place in the database, processes around it, faults while they work, and the verdict. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../clock.ts'
import { createWebhooks } from '../../index.ts'
import { anyTenant } from '../../model.ts'
import { type OpenedStore, openStore } from '../open-store.ts'
import { check, type Verdict } from './checker.ts'
import { type Fleet, pause, startFleet } from './fleet.ts'
import { heldRows } from './held.ts'
import { type Watch, watchHistory } from './history.ts'
import { type Fault, type Published, type Received, readLedger } from './ledger.ts'
import { type Seeded, seeded } from './random.ts'
import { ledgers, type RunSettings, SECRET, tenantName } from './settings.ts'

/** What does the harm while events are published and delivered. Ends when it has done its share. */
export type Harm = (fleet: Fleet, random: Seeded, opened: OpenedStore, settings: RunSettings) => Promise<void>

/** Tells how far a run is. */
export type Progress = (state: { published: number; left: number; faults: number; workers: number }) => void

export interface RunOptions {
  readonly entry: string
  readonly settings: Omit<RunSettings, 'folder'>
  readonly workers: number
  readonly harm: Harm
  readonly onProgress?: Progress
  /** Give up when nothing has moved for so long. @default 120_000 */
  readonly patienceMs?: number
  /** For the ledgers; the caller removes it. @default a temporary one, removed by the run */
  readonly folder?: string
  /** Environment of the first workers, beside the common one, by their place. */
  readonly environments?: readonly Readonly<Record<string, string>>[]
  /** Looks at the database when all is over; what it returns are complaints. */
  readonly inspect?: (opened: OpenedStore) => Promise<readonly string[]>
}

export interface RunResult extends Verdict {
  /** What processes said when they ended by themselves. */
  readonly complaints: readonly string[]
  readonly faults: number
  readonly log: readonly Fault[]
  readonly received: readonly Received[]
  readonly published: readonly Published[]
  /** What publishes were refused with before they were acknowledged. */
  readonly refusals: readonly string[]
  readonly slowestStopMs: number
  readonly tookMs: number
}

/** Runs once, in tables of its own, and leaves nothing behind. */
export async function run(options: RunOptions): Promise<RunResult> {
  const begun = systemClock.monotonic()
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'posthorn-torture-')))
  const settings: RunSettings = { ...options.settings, folder }
  const opened = await openStore(settings.place)
  const fleet = await startFleet(options.entry, settings, () => heldRows(opened, settings.place))
  const watch = watchHistory(opened.store)
  try {
    await prepare(opened, settings, fleet.port)
    for (let index = 0; index < options.workers; index++) {
      await fleet.startWorker(options.environments?.[index])
    }
    fleet.startProducer()
    const harmed = options.harm(fleet, seeded(settings.seed), opened, settings)
    harmed.catch(() => {})
    await untilQuiet(opened, fleet, watch, options)
    await harmed
    await untilQuiet(opened, fleet, watch, options)
    const log = [...fleet.faults]
    await fleet.close()
    const received = readLedger<Received>(ledgers(folder).received)
    const history = await watch.close()
    const { unhandled } = fleet.said
    const verdict = await check(
      ...([settings, received, log, unhandled, fleet.everyWorker, opened.store, history] as const),
    )
    return {
      ...verdict,
      received,
      published: readLedger<Published>(ledgers(folder).published),
      refusals: fleet.said.refusals,
      complaints: [...fleet.said.unhandled, ...((await options.inspect?.(opened)) ?? [])],
      log,
      faults: log.length,
      slowestStopMs: fleet.slowestStopMs,
      tookMs: systemClock.monotonic() - begun,
    }
  } finally {
    await fleet.close()
    await opened.store.close()
    await opened.close()
    if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
  }
}

async function prepare(opened: OpenedStore, settings: RunSettings, port: number): Promise<void> {
  const webhooks = createWebhooks({
    store: opened.store,
    allowHttp: true,
    allowCidrs: ['127.0.0.0/8'],
    logger: silent,
  })
  await webhooks.migrate()
  for (let tenant = 0; tenant < settings.tenants; tenant++) {
    for (let endpoint = 0; endpoint < settings.endpoints; endpoint++) {
      const tenantId = tenantName(tenant)
      const url = `http://127.0.0.1:${port}/${tenantId}/e${endpoint}`
      await webhooks.subscriptions.create({ tenantId, url, secret: SECRET })
    }
  }
}

const nothing = () => {}
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing }
const LOOK_MS = 250

/** Until all is published and nothing is queued. A database that does not answer is asked again. */
async function untilQuiet(
  opened: OpenedStore,
  fleet: Fleet,
  watch: Watch,
  options: RunOptions,
): Promise<void> {
  const patienceMs = options.patienceMs ?? 120_000
  let best = ''
  let movedAt = systemClock.monotonic()
  for (;;) {
    const left = await opened.store.backlog({ tenant: anyTenant }).then(
      (backlog) => backlog.due + backlog.scheduled + backlog.held,
      () => Number.NaN,
    )
    const { published, produced, gone } = fleet.said
    options.onProgress?.({ published, left, faults: fleet.faults.length, workers: fleet.workers.length })
    if ((produced || gone) && left === 0) return
    const state = `${published} ${left}`
    if (state !== best) movedAt = systemClock.monotonic()
    best = state
    if (systemClock.monotonic() - movedAt > patienceMs) return
    await watch.look()
    await pause(LOOK_MS)
  }
}
