/** The examples on Postgres run, each on a database of its own, and print what they promise. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { expect, it } from 'vitest'
import { runShop, type ShopPrisma } from '../../examples/prisma/shop.ts'
import { createPostgresDatabase } from '../support/databases/postgres.ts'
import { prismaDouble } from '../support/prisma-double.ts'

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
    return sorted(stdout.trim().split('\n'))
  } finally {
    await drop()
  }
}

const sorted = (lines: readonly string[]) => ({
  received: lines.filter((line) => line.startsWith('received')).sort(),
  rest: lines.filter((line) => !line.startsWith('received')),
})

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

it('examples/prisma announces what was committed, on a double of the generated client', async () => {
  const { url, drop } = await createPostgresDatabase()
  const pool = new pg.Pool({ connectionString: url, max: 4 })
  try {
    await pool.query('create table orders (id text primary key, amount integer not null)')
    const client = prismaDouble(pool)
    const prisma: ShopPrisma = {
      ...client,
      $transaction: (work) =>
        client.$transaction((tx) =>
          work({
            ...tx,
            order: {
              create: ({ data }) =>
                tx.$executeRawUnsafe('insert into orders values ($1, $2)', data.id, data.amount),
            },
          }),
        ),
    }
    const lines: string[] = []
    await runShop(prisma, (line) => lines.push(line))
    expect(sorted(lines)).toEqual({
      received: RECEIVED,
      rest: ['rolled back order-2: the amount must be positive'],
    })
    expect((await pool.query('select id from orders order by id')).rows).toEqual([
      { id: 'order-1' },
      { id: 'order-3' },
    ])
  } finally {
    await pool.end()
    await drop()
  }
}, 60_000)
