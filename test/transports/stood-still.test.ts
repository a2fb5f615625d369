/** An event loop that stood still finds the end of its patience and the answer at once: the answer counts. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import pg from 'pg'
import { expect, it, onTestFinished } from 'vitest'
import { postgresDatabase } from '../../src/stores/sql/executors/postgres.ts'
import { kyTransport } from '../../src/transports/ky.ts'
import { undiciTransport } from '../../src/transports/undici.ts'
import { postgresServer } from '../support/databases/postgres.ts'

const LIMIT_MS = 2_000
/** Answers in a thread of its own, which goes on meanwhile: it says when a request has come, and answers it then. */
const RECEIVER = `
  const { parentPort } = require('node:worker_threads')
  const server = require('node:http').createServer((request, response) => {
    parentPort.postMessage('came')
    setTimeout(() => response.writeHead(204).end(), 50)
  })
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`

/** Blocks this thread until well after the limit of what began a moment ago. */
const standStill = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LIMIT_MS + 100)

it.each([
  ['undici', undiciTransport],
  ['ky', kyTransport],
])('over %s: an answer of a receiver', async (_name, makeTransport) => {
  const receiver = new Worker(RECEIVER, { eval: true })
  onTestFinished(async () => void (await receiver.terminate()))
  const [port] = await once(receiver, 'message')
  const transport = makeTransport()
  onTestFinished(() => transport.close())
  const url = `http://127.0.0.1:${port}/`
  const sending = transport.send({ url, headers: {}, body: Buffer.from('{}'), deadlineMs: LIMIT_MS })
  await once(receiver, 'message')
  standStill()
  expect(await sending).toMatchObject({ kind: 'response', status: 204 })
})

it('an answer of the database', async () => {
  const { url } = await postgresServer()
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  onTestFinished(() => pool.end())
  await pool.query('select 1')
  const database = postgresDatabase(pool, { queryTimeoutMs: LIMIT_MS })
  const asking = database.query('select 7 as seven from pg_sleep(0.2)', [])
  await new Promise(setImmediate)
  standStill()
  expect((await asking).rows).toEqual([{ seven: '7' }])
})
