/** Callers that publish at full speed for as long as they are told to, with wake-up hints or without; says how much. */
import { Pool } from 'pg'
import { createWebhooks } from '../../../src/index.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'

/** One round. */
export interface Round {
  readonly listen: boolean
  readonly forMs: number
}

export async function runAnnouncer(): Promise<void> {
  const { url, callers } = JSON.parse(process.env.ANNOUNCE ?? '{}')
  const client = new Pool({ connectionString: url, max: callers })
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const open = (listen: boolean) => createWebhooks({ store: postgresStore({ client, listen }), logger })
  const [loud, silent] = [open(true), open(false)]

  async function round({ listen, forMs }: Round): Promise<number> {
    const ends = performance.now() + forMs
    let published = 0
    const call = async (): Promise<void> => {
      while (performance.now() < ends) {
        await (listen ? loud : silent).publish('order.paid', { published }, { tenantId: 'acme' })
        published += 1
      }
    }
    await Promise.all(Array.from({ length: callers }, call))
    return published
  }

  process.on('disconnect', () => process.exit(0))
  process.on('message', (message: Round) => {
    void round(message).then((published) => process.send?.({ published }))
  })
  await round({ listen: true, forMs: 200 })
  process.send?.({ published: 0 })
}
