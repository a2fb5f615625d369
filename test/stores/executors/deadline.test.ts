/** A statement whose wait for a connection has used up nearly all of its time: it would be cut off, and nobody would know what it did. */
import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { postgresDatabase } from '../../../src/stores/sql/executors/postgres.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { postgresServer } from '../../support/databases/postgres.ts'

const { url } = await postgresServer()
const MARK = `select set_config('posthorn.mark', 'made', false)`

/** A pool whose one connection is taken, for `heldMs` of the 10 s that a statement has. */
async function setup(heldMs: number) {
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  onTestFinished(() => pool.end())
  const clock = manualClock()
  const database = postgresDatabase(pool, { clock, queryTimeoutMs: 10_000 })
  const taken = await pool.connect()
  const { rows } = await taken.query('select pg_backend_pid() as pid')
  async function afterTheWait<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {})
    await clock.advance(heldMs)
    taken.release()
    return work
  }
  /** What was done on that one connection, which must still be there. */
  async function mark(): Promise<string | null> {
    const text = `select pg_backend_pid() as pid, current_setting('posthorn.mark', true) as mark`
    const [row] = (await pool.query(text)).rows
    expect(row.pid).toBe(rows[0].pid)
    return row.mark
  }
  return { clock, database, afterTheWait, mark }
}

const refusal = {
  code: 'STORE_FAILED',
  outcomeUnknown: false,
  message: expect.stringContaining('waiting for a connection took longer than 10000 ms'),
}

it('is not started with less than a tenth of its time left, and its connection stays', async () => {
  const { database, afterTheWait, mark } = await setup(9_001)
  await expect(afterTheWait(database.query(MARK, []))).rejects.toMatchObject(refusal)
  expect(await mark()).toBeNull()
})

it('begins no transaction either', async () => {
  const { database, afterTheWait, mark } = await setup(9_001)
  const worked = database.transaction((tx) => tx.query(MARK, []))
  await expect(afterTheWait(worked)).rejects.toMatchObject(refusal)
  expect(await mark()).toBeNull()
})

it('is started with a tenth of its time left', async () => {
  const { database, afterTheWait, mark } = await setup(9_000)
  await afterTheWait(database.query(MARK, []))
  expect(await mark()).toBe('made')
})

it('has all of its time in a transaction that has begun', async () => {
  const { clock, database, afterTheWait, mark } = await setup(9_000)
  await afterTheWait(
    database.transaction(async (tx) => {
      await clock.advance(500)
      return tx.query(MARK, [])
    }),
  )
  expect(await mark()).toBe('made')
})
