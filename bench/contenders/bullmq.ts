/** BullMQ on Redis: `addBulk`, two workers, completed jobs kept with what their handler returned, which is the outcome. */
import type { Contender, Setup } from '../contender.ts'
import { createSender, type Sent } from '../signed-request.ts'
import { createTally, type JobData, jobsOf, peerPackage, urlOfDatabase } from './peer.ts'

interface Bullmq {
  readonly Queue: new (
    name: string,
    options: object,
  ) => {
    add(name: string, data: JobData): Promise<unknown>
    addBulk(jobs: readonly { name: string; data: JobData }[]): Promise<unknown>
    waitUntilReady(): Promise<unknown>
    close(): Promise<void>
  }
  readonly Worker: new (
    name: string,
    handler: (job: { data: JobData }) => Promise<Sent>,
    options: object,
  ) => {
    on(event: 'completed' | 'failed' | 'error', listener: (...given: unknown[]) => void): unknown
    waitUntilReady(): Promise<unknown>
    close(force?: boolean): Promise<void>
  }
}

const NAME = 'deliveries'
const WORKERS = 2

export async function bullmq(setup: Setup): Promise<Contender> {
  const { Queue, Worker } = await peerPackage<Bullmq>('bullmq')
  const { hostname: host, port } = new URL(urlOfDatabase(setup))
  const connection = { host, port: Number(port), maxRetriesPerRequest: null }
  const queue = new Queue(NAME, { connection, defaultJobOptions: { removeOnComplete: false } })
  await queue.waitUntilReady()
  const sender = createSender(setup)
  const tally = createTally()
  const workers: InstanceType<Bullmq['Worker']>[] = []

  return {
    async start() {
      for (let number = 0; number < WORKERS; number++) {
        const concurrency = Math.ceil(setup.work.concurrency / WORKERS)
        const worker = new Worker(NAME, ({ data }) => sender.send(data.endpoint, data.id, data.body), {
          connection,
          concurrency,
        })
        worker.on('completed', () => tally.add(1))
        worker.on('failed', (_job, error) => tally.fail(error as Error))
        worker.on('error', () => {})
        workers.push(worker)
        await worker.waitUntilReady()
      }
    },
    async publish(from, count) {
      await queue.addBulk(jobsOf(setup, from, count).map((data) => ({ name: 'deliver', data })))
    },
    async publishOne(event) {
      await Promise.all(jobsOf(setup, event, 1).map((data) => queue.add('deliver', data)))
      return `evt_${event}`
    },
    settled: (deliveries) => tally.reached(deliveries),
    async close() {
      await Promise.all(workers.map((worker) => worker.close(true)))
      await queue.close()
      await sender.close()
    },
  }
}
