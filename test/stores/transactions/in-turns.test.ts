/**
 * A publishMany that needs a second turn, since two of its events name each other, and is refused there: nothing of the first turn
 * stays, on connections of the store's own and in a transaction of the caller's that goes on.
 */
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { createWebhooks, type Webhooks } from '../../../src/index.ts'
import { mysqlStore } from '../../../src/stores/mysql.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import { createMysqlDatabase } from '../../support/databases/mysql.ts'
import { createPostgresDatabase } from '../../support/databases/postgres.ts'
import { quietLogger } from '../../support/setup.ts'

const tenantId = 'acme'
const ofStored = { type: 'order.paid', data: {}, tenantId, id: 'evt_named', idempotencyKey: 'stored' }

/** The first turn stores `evt_first` and finds `ofStored`; whether the last is new is known only then, and it is refused. */
const call = [
  { type: 'order.paid', data: {}, tenantId, id: 'evt_first' },
  ofStored,
  { type: 'order.refused', data: {}, tenantId, id: 'evt_named', idempotencyKey: 'own' },
]

async function stored(webhooks: Webhooks<null>): Promise<readonly string[]> {
  return (await webhooks.events.list({ tenantId })).items.map(({ id }) => id)
}

describe('on Postgres', async () => {
  const database = await createPostgresDatabase()
  const pool = new pg.Pool({ connectionString: database.url })
  const webhooks = createWebhooks({ store: postgresStore({ client: pool }), logger: quietLogger })
  afterAll(async () => {
    await webhooks.stop()
    await pool.end()
    await database.drop()
  })

  it('is refused as a whole', async () => {
    await webhooks.migrate()
    await webhooks.publish('order.paid', {}, { ...options(ofStored), id: 'evt_stored' })
    await pool.query(`
      create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$;
      create trigger refuse before insert on posthorn.events for each row when (new.type = 'order.refused') execute function refuse()`)
    await expect(webhooks.publishMany(call)).rejects.toThrow('refused')
    expect(await stored(webhooks)).toEqual(['evt_stored'])
    await pool.query('drop trigger refuse on posthorn.events')
    expect(await webhooks.publishMany(call)).toMatchObject([
      { id: 'evt_first', duplicate: false },
      { id: 'evt_stored', duplicate: true },
      { id: 'evt_named', duplicate: false },
    ])
  })
})

const given = await createMysqlDatabase()

describe.skipIf(given === null)('on MariaDB', () => {
  const pool = mysql.createPool({ uri: given?.url ?? 'mysql://skipped' })
  const webhooks = createWebhooks({ store: mysqlStore({ client: pool }), logger: quietLogger })
  afterAll(async () => {
    await webhooks.stop()
    await pool.end()
    await given?.drop()
  })

  it('is refused as a whole, also in a transaction that goes on and commits', async () => {
    await webhooks.migrate()
    await webhooks.publish('order.paid', {}, { ...options(ofStored), id: 'evt_stored' })
    await pool.query(`
      create trigger refuse before insert on posthorn_events for each row
      if new.type = 'order.refused' then signal sqlstate '45000' set message_text = 'refused'; end if`)
    await expect(webhooks.publishMany(call)).rejects.toThrow('refused')
    expect(await stored(webhooks)).toEqual(['evt_stored'])

    const tx = await pool.getConnection()
    await tx.beginTransaction()
    await expect(webhooks.publishMany(call, { tx })).rejects.toThrow('refused')
    await tx.commit()
    tx.release()
    expect(await stored(webhooks)).toEqual(['evt_stored'])
    const [queued] = await pool.query('select event_id from posthorn_queue')
    expect(queued).toEqual([{ event_id: 'evt_stored' }])
  })
})

function options({ tenantId, idempotencyKey }: typeof ofStored) {
  return { tenantId, idempotencyKey }
}
