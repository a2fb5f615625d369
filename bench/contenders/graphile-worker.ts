/** graphile-worker: `addJobs`, a local queue, batched completion, more handlers than sends, outcomes grouped into one insert. */
import pg from 'pg'
import type { Contender, Setup } from '../contender.ts'
import { createSender, type Sent } from '../signed-request.ts'
import { createTally, type JobData, jobsOf, peerPackage, until, urlOfDatabase } from './peer.ts'

interface GraphileWorker {
  makeWorkerUtils(options: object): Promise<{
    migrate(): Promise<void>
    addJobs(jobs: readonly { identifier: string; payload: JobData; maxAttempts: number }[]): Promise<unknown>
    addJob(identifier: string, payload: JobData, options: object): Promise<unknown>
    release(): Promise<unknown>
  }>
  run(options: object): Promise<{ stop(): Promise<void> }>
  readonly Logger: new (factory: () => () => void) => object
}

const TASK = 'deliver'
const FLUSH_MS = 4
const FLUSH_ROWS = 200

export async function graphileWorker(setup: Setup): Promise<Contender> {
  const library = await peerPackage<GraphileWorker>('graphile-worker')
  const pgPool = new pg.Pool({ connectionString: urlOfDatabase(setup), max: 10 })
  pgPool.on('error', () => {})
  pgPool.on('connect', (client) => client.on('error', () => {}))
  const logger = new library.Logger(() => () => {})
  const jobs = await library.makeWorkerUtils({ pgPool, logger })
  await jobs.migrate()
  await pgPool.query(
    'create table outcomes (event text, endpoint int, status int, ms real, at timestamptz default clock_timestamp(), primary key (event, endpoint))',
  )
  const sender = createSender(setup)
  const tally = createTally()
  const record = createRecorder(pgPool)
  let runner: { stop(): Promise<void> } | null = null

  async function deliver(payload: unknown): Promise<void> {
    const data = payload as JobData
    try {
      await record(data, await sender.sendInTurn(data.endpoint, data.id, data.body))
      tally.add(1)
    } catch (error) {
      tally.fail(error as Error)
      throw error
    }
  }

  return {
    async start() {
      const concurrentJobs = setup.work.concurrency * 3
      runner = await library.run({
        pgPool,
        logger,
        noHandleSignals: true,
        taskList: { [TASK]: deliver },
        preset: {
          worker: {
            concurrentJobs,
            localQueue: { size: concurrentJobs * 2 + 16 },
            completeJobBatchDelay: 0,
            failJobBatchDelay: 0,
          },
        },
      })
    },
    async publish(from, count) {
      await jobs.addJobs(
        jobsOf(setup, from, count).map((payload) => ({ identifier: TASK, payload, maxAttempts: 1 })),
      )
    },
    async publishOne(event) {
      await Promise.all(
        jobsOf(setup, event, 1).map((payload) => jobs.addJob(TASK, payload, { maxAttempts: 1 })),
      )
      return `evt_${event}`
    },
    async settled(deliveries) {
      await tally.reached(deliveries)
      await until(async () => {
        const open = await pgPool.query('select 1 from graphile_worker._private_jobs limit 1')
        return open.rows.length === 0
      })
    },
    async close() {
      await runner?.stop()
      await jobs.release()
      await pgPool.end()
      await sender.close()
    },
  }
}

/** Outcomes of many handlers in one insert; each handler waits for its own to be committed. */
function createRecorder(pool: pg.Pool) {
  let waiting: { data: JobData; sent: Sent; resolve: () => void; reject: (error: unknown) => void }[] = []

  async function flush(): Promise<void> {
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    const columns = [
      batch.map(({ data }) => data.id),
      batch.map(({ data }) => data.endpoint),
      batch.map(({ sent }) => sent.status),
      batch.map(({ sent }) => sent.ms),
    ]
    try {
      await pool.query({
        name: 'record',
        text: 'insert into outcomes (event, endpoint, status, ms) select * from unnest($1::text[], $2::int[], $3::int[], $4::real[])',
        values: columns,
      })
      for (const { resolve } of batch) resolve()
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return (data: JobData, sent: Sent): Promise<void> =>
    new Promise((resolve, reject) => {
      waiting.push({ data, sent, resolve, reject })
      if (waiting.length === 1) setTimeout(() => void flush(), FLUSH_MS)
      if (waiting.length >= FLUSH_ROWS) void flush()
    })
}
