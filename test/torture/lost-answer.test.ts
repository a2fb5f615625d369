/** Test 11: connections that end before a statement is forwarded, or after it and before its answer came. */

import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { createWebhooks } from '../../src/index.ts'
import { postgresStore } from '../../src/stores/postgres.ts'
import { appendFailure, recordFailure } from '../../src/stores/sql/append-failure.ts'
import { createPostgresDatabase } from '../support/databases/postgres.ts'
import { quietLogger } from '../support/setup.ts'
import { startTcpProxy } from './bench/tcp-proxy.ts'
import { tortureTests } from './in-test.ts'
import { lostAnswers } from './scenarios/lost-answers.ts'

tortureTests([{ scenario: lostAnswers }])

/** Forwards to the server; while `cutting`, swallows the answer to the next INSERT and then ends the connection. */
async function startProxy(target: string) {
  const state = { cutting: false }
  const bench = { after: (work: () => unknown) => onTestFinished(() => void work()) }
  const url = await startTcpProxy(bench, target, (client, upstream) => {
    let swallow = false
    client.on('data', (data) => {
      swallow ||= state.cutting && data.includes('insert into')
      upstream.write(data)
    })
    upstream.on('data', (data) => {
      if (swallow) client.destroy()
      else client.write(data)
    })
    client.on('close', () => upstream.end())
    upstream.on('close', () => client.destroy())
  })
  return { state, url }
}

it('says that the outcome is unknown, and stores the event once when it is published again with its id', async () => {
  const database = await createPostgresDatabase()
  const proxy = await startProxy(database.url)
  const pool = new pg.Pool({ connectionString: proxy.url, max: 2 })
  const webhooks = createWebhooks({ store: postgresStore({ client: pool }), logger: quietLogger })
  onTestFinished(async () => {
    await webhooks.stop()
    await pool.end()
    await database.drop()
  })
  await webhooks.migrate()
  for (let round = 0; round < 10; round++) {
    const options = { tenantId: 'acme', id: `evt_${round}` }
    proxy.state.cutting = true
    await expect(webhooks.publish('order.paid', { round }, options)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      outcomeUnknown: true,
    })
    proxy.state.cutting = false
    expect(await webhooks.publish('order.paid', { round }, options)).toMatchObject({ duplicate: true })
  }
  expect((await webhooks.events.list({ tenantId: 'acme' })).items).toHaveLength(10)
})

it.each([
  ['53100', 'STORE_FULL', false],
  ['SQLITE_FULL', 'STORE_FULL', false],
  ['ECONNRESET', 'STORE_FAILED', true],
  ['PROTOCOL_CONNECTION_LOST', 'STORE_FAILED', true],
  ['57P01', 'STORE_FAILED', true],
  ['45009', 'STORE_FAILED', true],
  ['45013', 'STORE_FAILED', true],
  ['ECONNREFUSED', 'ECONNREFUSED', undefined],
  ['23514', '23514', undefined],
])('tells %s apart', (code, told, outcomeUnknown) => {
  const failure = appendFailure(Object.assign(new Error('a driver says so'), { code }), 'test') as Error & {
    code: string
    outcomeUnknown?: boolean
  }
  expect([failure.code, failure.outcomeUnknown]).toEqual([told, outcomeUnknown])
})

it('lets an outcome wait whose connection was lost, which pg tells without a code', () => {
  const lost = new Error('Connection terminated unexpectedly')
  expect(recordFailure(lost, 'test')).toMatchObject({ code: 'STORE_FAILED', outcomeUnknown: true })
})

it.each([
  ['53100', 'STORE_FULL'],
  ['SQLITE_FULL', 'STORE_FULL'],
  ['25006', 'STORE_FAILED'],
  ['ER_OPTION_PREVENTS_STATEMENT', 'STORE_FAILED'],
  ['1290', 'STORE_FAILED'],
  ['1792', 'STORE_FAILED'],
  ['ECONNRESET', 'STORE_FAILED'],
  ['ECONNREFUSED', 'STORE_FAILED'],
  ['PROTOCOL_CONNECTION_LOST', 'STORE_FAILED'],
  ['23514', '23514'],
])('lets an outcome wait where nothing can be stored (%s), and no refused one', (code, told) => {
  expect(recordFailure(Object.assign(new Error('a driver says so'), { code }), 'test')).toMatchObject({
    code: told,
  })
})
