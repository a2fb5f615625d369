/**
 * A caller: transactions with a row of its own and a publish in each. Some roll back; the process may be killed at any
 * statement. What it believes to have committed it writes down afterwards.
 */
import { appendFileSync } from 'node:fs'
import { Pool } from 'pg'
import { createWebhooks } from '../../../src/index.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'

export async function runEmitter(): Promise<void> {
  const { url, from, count, ledger } = JSON.parse(process.env.EMIT ?? '{}')
  const pool = new Pool({ connectionString: url, max: 4 })
  const webhooks = createWebhooks({
    store: postgresStore({ client: pool }),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  })
  let next = from
  async function emit(): Promise<void> {
    while (next < from + count) {
      const id = next++
      const client = await pool.connect()
      await client.query('begin')
      await client.query('insert into orders (id) values ($1)', [id])
      await webhooks.publish('order.paid', { id }, { tenantId: 'acme', tx: client })
      await client.query('update orders set done = true where id = $1', [id])
      const undo = id % 5 === 0
      await client.query(undo ? 'rollback' : 'commit')
      client.release()
      if (!undo) appendFileSync(ledger, `${id}\n`)
      process.send?.(id)
    }
  }
  await Promise.all([emit(), emit(), emit(), emit()])
  process.exit(0)
}
