/** The examples on Postgres run, each on a database of its own, and print what they promise. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { createPostgresDatabase } from '../support/databases/postgres.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const RECEIVED = ['received {"id":"order-1","amount":4200}', 'received {"id":"order-3","amount":100}']

/** What a run of the example prints: what was received, and the rest in its order. */
async function printed(example: string): Promise<{ received: string[]; rest: string[] }> {
  const { url, drop } = await createPostgresDatabase()
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', `examples/${example}/main.ts`],
      { cwd: root, env: { ...process.env, DATABASE_URL: url } },
    )
    const lines = stdout.trim().split('\n')
    return {
      received: lines.filter((line) => line.startsWith('received')).sort(),
      rest: lines.filter((line) => !line.startsWith('received')),
    }
  } finally {
    await drop()
  }
}

it('examples/transactional-postgres announces what was committed, and nothing else', async () => {
  expect(await printed('transactional-postgres')).toEqual({
    received: RECEIVED,
    rest: ['order-1 201', 'order-2 422', 'order-3 201', 'orders 2 deliveries succeeded succeeded'],
  })
}, 60_000)

it('examples/drizzle announces what was committed, savepoints included', async () => {
  expect(await printed('drizzle')).toEqual({
    received: RECEIVED,
    rest: ['rolled back order-2: the amount must be positive', 'orders 2'],
  })
}, 60_000)

it('examples/prisma announces what was committed, on the client that Prisma generated', async () => {
  expect(await printed('prisma')).toEqual({
    received: RECEIVED,
    rest: ['rolled back order-2: the amount must be positive', 'orders 2'],
  })
}, 60_000)
