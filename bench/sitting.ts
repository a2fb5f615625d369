/** One sitting: the built contenders, the shared receiver, the servers; each measurement in a fresh process and database. */
import { execFile, fork } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { temporaryFolder } from '../test/support/databases/server.ts'
import type { DatabaseOfRun } from './contender.ts'
import type { Entrant } from './contenders/index.ts'
import type { Figures, Measure } from './measure.ts'
import { ask, message, start, stop } from './process.ts'
import type { ReceiverQuestion, ReceiverState } from './receiver.ts'
import type { Answer, Task } from './run-one.ts'
import { type RunningServer, startServer } from './servers.ts'
import { deliveriesOf, type ReceiverPorts, type Work } from './work.ts'

/** What is measured of whom. */
export interface Measurement {
  readonly measure: Measure
  readonly work: Work
  readonly warmUp: number
}

/** Figures, with the latencies in milliseconds where they were asked for. */
export interface Found extends Figures {
  readonly latencies: readonly number[]
}

const OUT = fileURLToPath(new URL(`./node_modules/.cache/posthorn-bench-${process.pid}/`, import.meta.url))
const DEADLINE_MS = 120_000

/** As published: tsx names every closure as it is made, which costs more than what is measured here. */
async function built(): Promise<void> {
  const entryPoints = ['run-one', 'receiver', 'growth/process'].map((name) =>
    fileURLToPath(new URL(`./${name}.ts`, import.meta.url)),
  )
  await rm(OUT, { recursive: true, force: true })
  await mkdir(OUT, { recursive: true })
  await build({
    entryPoints,
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    outdir: OUT,
    outbase: fileURLToPath(new URL('.', import.meta.url)),
  })
}

/** The built file of an entry point. */
export const builtFile = (name: string): string => `${OUT}${name}.js`

/** A key and a certificate in one file, for every address of the TLS case; null where there is no `openssl`. */
async function certificate(folder: string): Promise<string | null> {
  const names = Array.from({ length: 301 }, (_, index) => `IP:127.1.${(index + 1) >> 8}.${(index + 1) & 255}`)
  const pem = `${folder}/tls.pem`
  try {
    await promisify(execFile)('openssl', [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-subj', '/CN=posthorn bench', '-addext', `subjectAltName=${names.join(',')}`],
      ...['-keyout', pem, '-out', `${folder}/cert.pem`],
    ])
    const { readFile, appendFile } = await import('node:fs/promises')
    await appendFile(pem, await readFile(`${folder}/cert.pem`))
    return pem
  } catch {
    return null
  }
}

/** Opens a sitting; close it. `say` gets the settings of each server as it starts. */
export async function openSitting(say: (line: string) => void) {
  await built()
  const folder = await temporaryFolder('bench')
  const pem = await certificate(folder.path)
  const receiver = start(fork(builtFile('receiver'), pem === null ? [] : [pem]))
  const ports = await message<ReceiverPorts>(receiver)
  let closing: Promise<void> | null = null
  const servers = new Map<DatabaseOfRun['kind'], Promise<RunningServer | string>>()

  const askReceiver = (question: ReceiverQuestion) => ask<ReceiverState>(receiver, question)

  function server(kind: DatabaseOfRun['kind']): Promise<RunningServer | string> {
    const known = servers.get(kind)
    if (known !== undefined) return known
    const starting = startServer(kind)
    servers.set(kind, starting)
    return starting.then((started) => {
      say(typeof started === 'string' ? `left out: ${started}` : started.settings)
      return started
    })
  }

  /** True when its server can be had; the first question starts it. */
  async function canRun(entrant: Entrant): Promise<boolean> {
    return entrant.database === null || typeof (await server(entrant.database)) !== 'string'
  }

  async function measureOne(entrant: Entrant, { measure, work, warmUp }: Measurement): Promise<Found> {
    const running = entrant.database === null ? null : await server(entrant.database)
    if (typeof running === 'string') throw new Error(running)
    const fresh = running === null ? null : await running.fresh()
    const arrivals = measure === 'latency'
    await askReceiver({ ask: 'reset', delayMs: work.delayMs, arrivals })
    const env =
      pem === null ? process.env : { ...process.env, NODE_EXTRA_CA_CERTS: `${folder.path}/cert.pem` }
    const child = start(fork(builtFile('run-one'), [], { env }))
    try {
      const receiverPid = receiver.pid ?? 0
      const database = fresh?.database ?? null
      const task: Task = { entrant: entrant.name, measure, work, warmUp, ports, receiverPid, database }
      const answer = await ask<Answer>(child, task, DEADLINE_MS)
      if ('error' in answer) throw new Error(answer.error)
      const state = await askReceiver({ ask: 'state' })
      if (measure === 'end-to-end') checkLedger(state, deliveriesOf(work, warmUp + work.events))
      const at = new Map(state.arrivals)
      const latencies = answer.figures.calls.map(([id, from]) => {
        const to = at.get(id)
        if (to === undefined) throw new Error(`${id} never arrived`)
        return Number(BigInt(to) - BigInt(from)) / 1e6
      })
      return { ...answer.figures, calls: [], latencies }
    } finally {
      await stop(child)
      await fresh?.drop()
    }
  }

  return {
    ports,
    hasTls: pem !== null,
    server,
    canRun,
    measureOne,
    askReceiver,
    /** Once, whoever asks first: the end of the run or an interrupt. */
    close(): Promise<void> {
      closing ??= close()
      return closing
    },
  }

  /** All servers, also where one of them cannot be stopped. */
  async function close(): Promise<void> {
    await stop(receiver)
    const stopped = await Promise.allSettled(
      [...servers.values()].map(async (started) => {
        const running = await started
        if (typeof running !== 'string') await running.stop()
      }),
    )
    await folder.remove()
    await rm(OUT, { recursive: true, force: true })
    for (const result of stopped) if (result.status === 'rejected') throw result.reason
  }
}

/** See `openSitting`. */
export type Sitting = Awaited<ReturnType<typeof openSitting>>

function checkLedger({ requests, unique }: ReceiverState, expected: number): void {
  if (unique === expected && requests === expected) return
  throw new Error(`${expected} deliveries were due; ${requests} arrived, ${unique} of them different`)
}
