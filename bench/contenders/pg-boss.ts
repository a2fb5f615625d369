/** pg-boss: batch inserts, big batches that fetch on while they are full, NOTIFY, each job's outcome kept on its row. */
import pg from 'pg'
import type { Contender, Setup } from '../contender.ts'
import { createSender } from '../signed-request.ts'
import { createTally, type JobData, jobsOf, peerPackage, until, urlOfDatabase } from './peer.ts'

interface Fetched {
  readonly id: string
  readonly data: JobData
}

interface PgBossPackage {
  readonly PgBoss: new (
    options: object,
  ) => {
    on(event: 'error', listener: (error: Error) => void): unknown
    start(): Promise<unknown>
    stop(options: object): Promise<void>
    createQueue(name: string, options: object): Promise<unknown>
    insert(name: string, jobs: readonly { data: JobData }[]): Promise<unknown>
    send(name: string, data: JobData): Promise<unknown>
    work(
      name: string,
      options: object,
      handler: (jobs: readonly Fetched[]) => Promise<unknown>,
    ): Promise<unknown>
  }
}

const NAME = 'deliveries'

export async function pgBoss(setup: Setup): Promise<Contender> {
  const { PgBoss } = await peerPackage<PgBossPackage>('pg-boss')
  const connectionString = urlOfDatabase(setup)
  const boss = new PgBoss({ connectionString, max: 10, useListenNotify: true, schedule: false })
  const tally = createTally()
  boss.on('error', (error) => tally.fail(error))
  await boss.start()
  await boss.createQueue(NAME, { notify: true, retryLimit: 0 })
  const sender = createSender(setup)
  const look = new pg.Client({ connectionString })
  await look.connect()

  async function deliver(jobs: readonly Fetched[]): Promise<unknown> {
    const results = await Promise.all(
      jobs.map(async ({ id, data }) => {
        const output = await sender.sendInTurn(data.endpoint, data.id, data.body)
        return { id, status: 'completed', output }
      }),
    )
    tally.add(jobs.length)
    return results
  }

  return {
    async start() {
      const options = {
        batchSize: 500,
        localConcurrency: 3,
        burstWhenBatchFull: true,
        perJobResults: true,
        pollingIntervalSeconds: 0.5,
      }
      await boss.work(NAME, options, (jobs) =>
        deliver(jobs).catch((error: Error) => {
          tally.fail(error)
          throw error
        }),
      )
    },
    async publish(from, count) {
      await boss.insert(
        NAME,
        jobsOf(setup, from, count).map((data) => ({ data })),
      )
    },
    async publishOne(event) {
      await Promise.all(jobsOf(setup, event, 1).map((data) => boss.send(NAME, data)))
      return `evt_${event}`
    },
    async settled(deliveries) {
      await tally.reached(deliveries)
      await until(async () => {
        const open = await look.query(
          "select 1 from pgboss.job where name = $1 and state < 'completed' limit 1",
          [NAME],
        )
        return open.rows.length === 0
      })
    },
    async close() {
      await boss.stop({ graceful: false })
      await look.end()
      await sender.close()
    },
  }
}
