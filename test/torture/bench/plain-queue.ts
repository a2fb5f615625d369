/** What people write by hand: one table, claimed with SKIP LOCKED, a row updated when it is claimed and deleted when it is done. */
import type { Pool } from 'pg'
import type { TimedClaim } from './timed-claims.ts'

export interface PlainQueue {
  readonly claims: readonly TimedClaim[]
  put(count: number): Promise<unknown>
  /** Claims and finishes a batch. */
  take(): Promise<void>
}

export async function plainQueue(pool: Pool): Promise<PlainQueue> {
  await pool.query(`create table plain_jobs (id bigint generated always as identity primary key,
    state text not null default 'available', claimed_at timestamptz, payload text not null)`)
  await pool.query(`create index on plain_jobs (id) where state = 'available'`)
  const claims: TimedClaim[] = []
  return {
    claims,
    put: (count) =>
      pool.query('insert into plain_jobs (payload) select $1 from generate_series(1, $2)', [
        'x'.repeat(300),
        count,
      ]),
    async take() {
      const at = performance.now()
      const { rows } = await pool.query(`
        update plain_jobs set state = 'active', claimed_at = now() where id in (
          select id from plain_jobs where state = 'available' order by id limit 100 for update skip locked)
        returning id`)
      if (rows.length === 0) return
      claims.push({ at, tookMs: performance.now() - at, rows: rows.length })
      await pool.query('delete from plain_jobs where id = any($1)', [rows.map(({ id }) => id)])
    },
  }
}
