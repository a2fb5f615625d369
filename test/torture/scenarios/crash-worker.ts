/** What the crash points share: workers that die, a sender in this process, and waiting for something to become true. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { type OpenedStore, openStore, type StorePlace } from '../../../src/cli/open-store.ts'
import { createWebhooks, type Webhooks } from '../../../src/index.ts'
import { quietLogger } from '../../support/setup.ts'
import type { Crash } from '../processes/crash-worker.ts'
import type { Bench } from '../scenario.ts'

const TIMEOUT_MS = 2_000
const PATIENCE_MS = 30_000

/** Starts a worker that dies there, or, without a crash, never. */
export function startCrashWorker(bench: Bench, place: StorePlace, crash: Crash = {}): ChildProcess {
  const child = fork(bench.programs.probe, ['crash-worker'], {
    env: { ...process.env, CRASH: JSON.stringify({ place, timeoutMs: TIMEOUT_MS, ...crash }) },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  bench.after(() => child.kill('SIGKILL'))
  return child
}

/** The signal that ended it, its exit code, or null when it is still there after a long while. */
export function endOf(child: ChildProcess): Promise<string | number | null> {
  return Promise.race([
    once(child, 'exit').then(([code, signal]) => signal ?? code),
    pause(PATIENCE_MS, null, { ref: false }),
  ])
}

/** A migrated store, and a sender over it that does not work by itself. */
export async function openSender(
  bench: Bench,
  place: StorePlace,
): Promise<{ opened: OpenedStore; webhooks: Webhooks }> {
  const opened = await openStore(place)
  bench.after(() => opened.close())
  const webhooks = createWebhooks({
    ...{ store: opened.store, allowHttp: true, allowCidrs: ['127.0.0.0/8'], logger: quietLogger },
  })
  bench.after(() => webhooks.stop())
  await webhooks.migrate()
  return { opened, webhooks }
}

/** Asks until it is so; false when it never was. */
export async function until(isSo: () => Promise<boolean> | boolean): Promise<boolean> {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await pause(50)) if (await isSo()) return true
  return false
}
