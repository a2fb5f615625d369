/** The processes of a run: started, killed, frozen, replaced. Only processes that it started itself are ever touched. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { systemClock } from '../../clock.ts'
import type { DatabaseFault, Fault, HeldRow } from './ledger.ts'
import { PORT, type RunSettings, SETTINGS, WORKER } from './settings.ts'

/** What the processes said that a user should hear of. */
export interface Said {
  /** Lines of workers' logs, warnings and errors. */
  readonly lines: { readonly worker: string; readonly at: number; readonly message: string }[]
  unhandled: string[]
  /** What publishes were refused with; each is repeated until it is acknowledged. */
  refusals: string[]
  /** 95 of 100 claims of a worker took no longer, lately; only where workers are asked to tell. */
  readonly claims: { readonly worker: string; readonly at: number; readonly p95Ms: number }[]
  published: number
  produced: boolean
  /** The publishing process ended before it had published all. */
  gone: boolean
}

export interface Fleet {
  readonly port: number
  readonly faults: readonly Fault[]
  readonly said: Said
  readonly workers: readonly string[]
  /** All that ever were ready, ended ones too. */
  readonly everyWorker: readonly string[]
  /** Longest time that a worker took to end after SIGTERM, in ms. */
  readonly slowestStopMs: number
  startWorker(environment?: Readonly<Record<string, string>>): Promise<void>
  /** The process of a worker; null when it has ended. */
  pidOf(worker: string): number | null
  startProducer(): void
  /** SIGKILL, and a new worker in its place. */
  kill(worker: string): Promise<void>
  /** SIGSTOP for so long, then SIGCONT. */
  freeze(worker: string, forMs: number): Promise<void>
  /** Its event loop does nothing else for so long. */
  block(worker: string, forMs: number): Promise<void>
  /** The first column of what a worker's connections answer to a statement that is given to them so many times at once. */
  ask(worker: string, sql: string, times: number): Promise<readonly string[]>
  /** SIGSTOP of all workers and of the publishing process while `work` runs. */
  whileStill<T>(work: () => T): Promise<T>
  /** SIGTERM, the planned stop, and a new worker in its place. */
  deploy(worker: string): Promise<void>
  /** Writes down what was done to the database. */
  note(kind: DatabaseFault): void
  /** Ends everything. */
  close(): Promise<void>
}

/**
 * `entry` is the file of the command line, which the processes run with a hidden command each. `held` reads what is claimed in the
 * database.
 */
export async function startFleet(
  entry: string,
  settings: RunSettings,
  held: () => Promise<readonly HeldRow[]>,
): Promise<Fleet> {
  const faults: Fault[] = []
  const said: Said = {
    ...{ lines: [], unhandled: [], refusals: [], claims: [] },
    ...{ published: 0, produced: false, gone: false },
  }
  const workers = new Map<string, ChildProcess>()
  const everyWorker: string[] = []
  let serial = 0
  let slowestStopMs = 0

  function start(command: string, env: Record<string, string>): ChildProcess {
    const child = fork(entry, [command], {
      env: { ...process.env, [SETTINGS]: JSON.stringify(settings), ...env },
      execArgv: entry.endsWith('.ts') ? ['--import', 'tsx'] : [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    child.on('message', (message: { [key: string]: unknown }) => {
      if ('warning' in message) {
        said.lines.push({
          worker: env[WORKER] ?? '',
          at: systemClock.now(),
          message: String(message.warning),
        })
      }
      if ('unhandled' in message) said.unhandled.push(String(message.unhandled))
      if ('refused' in message) said.refusals.push(String(message.refused))
      if ('published' in message) said.published = Math.max(said.published, Number(message.published))
      if ('done' in message) said.produced = true
      if ('p95Ms' in message) {
        said.claims.push({ worker: env[WORKER] ?? '', at: systemClock.now(), p95Ms: Number(message.p95Ms) })
      }
    })
    let complaint = ''
    child.stderr?.on('data', (text: Buffer) => {
      complaint = `${complaint}${text.toString()}`.slice(-1_000)
    })
    child.on('exit', (code) => {
      if (code === null || code === 0) return
      said.unhandled.push(`${env[WORKER] ?? command} ended by itself with code ${code}: ${complaint}`)
    })
    return child
  }

  const receiver = start('torture-receiver', {})
  const [{ port }] = (await once(receiver, 'message')) as [{ port: number }]
  let producer: ChildProcess | null = null

  async function startWorker(environment: Readonly<Record<string, string>> = {}): Promise<void> {
    const name = `worker-${++serial}`
    const child = start('torture-worker', { ...environment, [WORKER]: name, [PORT]: String(port) })
    workers.set(name, child)
    child.on('exit', () => workers.delete(name))
    await new Promise<void>((resolve, reject) => {
      child.on('message', (message: { ready?: boolean }) => message.ready === true && resolve())
      child.once('exit', (code, signal) => {
        if (code !== 0 && signal === null)
          reject(new Error(`${name} ended with code ${code} before it was ready`))
        else resolve()
      })
    })
    everyWorker.push(name)
  }

  /** Writes down a fault, and then what was claimed when it had happened. */
  async function hit(
    kind: 'kill' | 'freeze',
    worker: string,
    happened: () => Promise<unknown>,
  ): Promise<void> {
    const fault: Fault = { kind, worker, at: systemClock.now() }
    faults.push(fault)
    await happened()
    const rows = await held()
    faults[faults.indexOf(fault)] = { ...fault, held: rows }
  }

  async function end(name: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = workers.get(name)
    if (child === undefined) return
    const exited = once(child, 'exit')
    const begun = systemClock.monotonic()
    const ended = () => {
      child.kill(signal)
      return exited
    }
    if (signal === 'SIGKILL') return hit('kill', name, ended)
    faults.push({ kind: 'deploy', worker: name, at: systemClock.now() })
    await ended()
    slowestStopMs = Math.max(slowestStopMs, systemClock.monotonic() - begun)
  }

  return {
    port,
    faults,
    said,
    everyWorker,
    get workers() {
      return [...workers.keys()]
    },
    get slowestStopMs() {
      return slowestStopMs
    },
    startWorker,
    pidOf: (worker) => workers.get(worker)?.pid ?? null,
    startProducer() {
      producer = start('torture-producer', {})
      producer.on('exit', () => {
        said.gone = !said.produced
      })
    },
    async kill(worker) {
      await end(worker, 'SIGKILL')
      await startWorker()
    },
    async deploy(worker) {
      await end(worker, 'SIGTERM')
      await startWorker()
    },
    async freeze(worker, forMs) {
      const child = workers.get(worker)
      if (child === undefined) return
      const over = pause(forMs)
      await hit('freeze', worker, () => {
        child.kill('SIGSTOP')
        return stopped(child)
      })
      await over
      child.kill('SIGCONT')
      faults.push({ kind: 'thaw', worker, at: systemClock.now() })
    },
    async block(worker, forMs) {
      const child = workers.get(worker)
      if (child === undefined) return
      const woken = new Promise<number>((resolve) => {
        child.on('message', (message: { wokenAt?: number }) => {
          if (message.wokenAt !== undefined) resolve(message.wokenAt)
        })
        child.once('exit', () => resolve(systemClock.now()))
      })
      faults.push({ kind: 'block', worker, at: systemClock.now() })
      child.send({ blockMs: forMs })
      faults.push({ kind: 'wake', worker, at: await woken })
    },
    async ask(worker, sql, times) {
      const child = workers.get(worker)
      if (child === undefined) return []
      const answered = new Promise<readonly string[]>((resolve) => {
        child.on('message', (message: { answers?: readonly string[] }) => {
          if (message.answers !== undefined) resolve(message.answers)
        })
        child.once('exit', () => resolve([]))
      })
      child.send({ ask: sql, times })
      return answered
    },
    async whileStill(work) {
      const all = [...workers.values(), ...(producer === null ? [] : [producer])].filter(isAlive)
      for (const child of all) child.kill('SIGSTOP')
      try {
        for (const child of all) await stopped(child)
        return work()
      } finally {
        for (const child of all) child.kill('SIGCONT')
      }
    },
    note(kind) {
      faults.push({ kind, worker: null, at: systemClock.now() })
    },
    async close() {
      for (const name of workers.keys()) await end(name, 'SIGTERM')
      for (const child of [producer, receiver]) {
        if (child === null || !isAlive(child)) continue
        const exited = once(child, 'exit')
        child.kill('SIGKILL')
        await exited
      }
    },
  }
}

const isAlive = ({ exitCode, signalCode }: ChildProcess) => exitCode === null && signalCode === null

async function stopped({ pid }: ChildProcess): Promise<void> {
  while (pid !== undefined && !isStopped(pid)) await pause(1)
}

/** SIGSTOP takes effect a moment after it was sent; Linux tells when. Elsewhere the moment is taken as over. */
function isStopped(pid: number): boolean {
  try {
    return /^\d+ \(.*\) [TZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true
  }
}

export function pause(forMs: number): Promise<void> {
  return new Promise((resolve) => {
    systemClock.setTimer(resolve, forMs, { keepAlive: true })
  })
}
