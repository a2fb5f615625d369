/** What the adapter of `pg` does when the server takes connections and says nothing: they stay open, so nothing else would end them. */
import pg from 'pg'
import { afterEach, expect, it } from 'vitest'
import { postgresDatabase } from '../../../src/stores/sql/executors/postgres.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { postgresServer } from '../../support/databases/postgres.ts'
import { startBlackHole } from '../../torture/bench/black-hole.ts'

const { url } = await postgresServer()
const endings: (() => unknown)[] = []
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end()
})

async function throughHole(max: number) {
  const hole = await startBlackHole({ after: (end) => void endings.push(end) }, url)
  const pool = new pg.Pool({ connectionString: hole.url, max })
  endings.push(() => pool.end())
  const clock = manualClock()
  return { hole, pool, clock, database: postgresDatabase(pool, { clock }) }
}

it('costs a bare pg pool no place: with the server back it connects again', async () => {
  const { hole, pool, clock, database } = await throughHole(1)
  hole.open()
  const first = database.query('select 1 as one', [])
  const second = database.transaction(async (tx) => tx.query('select 2 as two', []))
  for (const stuck of [first, second]) stuck.catch(() => {})
  await clock.advance(10_000)
  for (const stuck of [first, second]) await expect(stuck).rejects.toMatchObject({ code: 'STORE_FAILED' })
  hole.close()
  // The second had waited for the place of the first, and was connecting for it while nobody looked any more.
  const third = database.query('select 3 as three', [])
  third.catch(() => {})
  await expect.poll(() => pool.idleCount + pool.waitingCount).toBeGreaterThan(0)
  await clock.advance(10_000)
  await third.catch(() => {})
  expect((await database.query('select 4 as four', [])).rows).toHaveLength(1)
})

it('lets nobody wait for a LISTEN that gets no answer', async () => {
  const { hole, clock, database } = await throughHole(2)
  hole.open()
  const connecting = database.listen?.('posthorn', () => {})
  connecting?.catch(() => {})
  await clock.advance(10_000)
  await expect(connecting).rejects.toMatchObject({ code: 'STORE_FAILED' })
  hole.close()
  await database.query('select 1 as one', [])
  hole.open()
  const listening = database.listen?.('posthorn', () => {})
  listening?.catch(() => {})
  await expect.poll(() => hole.lines.some(({ dead }) => dead)).toBe(true)
  await clock.advance(10_000)
  await expect(listening).rejects.toMatchObject({ code: 'STORE_FAILED' })
  hole.close()
  const stop = await database.listen?.('posthorn', () => {})
  await stop?.()
})

it('has one deadline for a statement and the wait for its connection', async () => {
  const { hole, pool, clock, database } = await throughHole(1)
  await database.query('select 1 as one', [])
  const taken = await pool.connect()
  const stuck = database.query('select 2 as two', [])
  stuck.catch(() => {})
  await clock.advance(9_000)
  hole.open()
  taken.release()
  await expect.poll(() => hole.lines.some(({ dead }) => dead)).toBe(true)
  await clock.advance(1_000)
  await expect(stuck).rejects.toMatchObject({ code: 'STORE_FAILED' })
})
