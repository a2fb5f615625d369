/** The connections of Prisma: in which isolation level the store's own work runs, a server that is not there, an answer that is lost. */
import { afterAll, expect, it, onTestFinished } from 'vitest'
import { createWebhooks } from '../../../../src/index.ts'
import { prismaStore } from '../../../../src/stores/prisma.ts'
import { appendFailure } from '../../../../src/stores/sql/append-failure.ts'
import { prismaDatabase } from '../../../../src/stores/sql/orm/prisma.ts'
import { createMysqlDatabase } from '../../../support/databases/mysql.ts'
import { createPostgresDatabase } from '../../../support/databases/postgres.ts'
import { prismaOnMysql, prismaOnPostgres } from '../../../support/prisma.ts'
import { quietLogger } from '../../../support/setup.ts'
import { startTcpProxy } from '../../../torture/bench/tcp-proxy.ts'

const postgres = await createPostgresDatabase()
const mysql = await createMysqlDatabase()

afterAll(async () => {
  await Promise.all([postgres.drop(), mysql?.drop()])
})

it('own transactions are READ COMMITTED on Postgres, where the default is another', async () => {
  const name = new URL(postgres.url).pathname.slice(1)
  const first = prismaOnPostgres(postgres.url)
  await first.$executeRawUnsafe(`alter database "${name}" set default_transaction_isolation = 'serializable'`)
  await first.$disconnect()
  const prisma = prismaOnPostgres(postgres.url)
  onTestFinished(() => prisma.$disconnect())
  const database = prismaDatabase(prisma)
  const level = 'show transaction isolation level'
  expect((await database.query(level, [])).rows).toEqual([{ transaction_isolation: 'serializable' }])
  const { rows } = await database.transaction((tx) => tx.query(level, []))
  expect(rows).toEqual([{ transaction_isolation: 'read committed' }])
})

it.skipIf(mysql === null)(
  'own transactions are READ COMMITTED on MariaDB, whose default is another',
  async () => {
    const prisma = prismaOnMysql(mysql?.url ?? '')
    onTestFinished(() => prisma.$disconnect())
    await prisma.$executeRawUnsafe('create table levels (id int)')
    await prismaDatabase(prisma).transaction(async (tx) => {
      const count = async () => Number((await tx.query('select count(*) as n from levels', [])).rows[0]?.n)
      expect(await count()).toBe(0)
      // In the server's own level the transaction would go on seeing what it saw first.
      await prisma.$executeRawUnsafe('insert into levels values (1)')
      expect(await count()).toBe(1)
    })
  },
)

it('a server that is not there has said nothing', async () => {
  const nowhere = prismaOnPostgres('postgres://nobody@127.0.0.1:1/nowhere')
  onTestFinished(() => nowhere.$disconnect())
  const database = prismaDatabase(nowhere)
  for (const run of [
    () => database.query('select 1', []),
    () => database.transaction((tx) => tx.query('select 1', [])),
  ]) {
    const failed: unknown = await run().catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 'ECONNREFUSED' })
    expect(appendFailure(failed, 'test')).toBe(failed)
  }
})

for (const [name, open] of [
  ['Postgres', (by: Proxied) => by(postgres.url).then(prismaOnPostgres)],
  ['MariaDB', (by: Proxied) => by(mysql?.url ?? '').then(prismaOnMysql)],
] as const)
  it.skipIf(name === 'MariaDB' && mysql === null)(
    `an answer that was lost on the way leaves the outcome unknown (${name})`,
    async () => {
      let cutting = false
      const bench = { after: (work: () => unknown) => onTestFinished(() => void work()) }
      const prisma = await open((url) =>
        startTcpProxy(bench, url, (client, upstream) => {
          client.on('data', (data) => {
            upstream.write(data)
            if (cutting && data.includes('insert into')) client.destroy()
          })
          upstream.on('data', (data) => client.write(data))
          client.on('close', () => upstream.end())
          upstream.on('close', () => client.destroy())
        }),
      )
      onTestFinished(() => prisma.$disconnect())
      const webhooks = createWebhooks({ store: prismaStore(prisma), logger: quietLogger })
      await webhooks.migrate()
      const options = { tenantId: 'lost', id: 'evt_lost' }
      cutting = true
      await expect(webhooks.publish('order.paid', {}, options)).rejects.toMatchObject({
        code: 'STORE_FAILED',
        outcomeUnknown: true,
      })
      cutting = false
      await webhooks.publish('order.paid', {}, options)
      expect((await webhooks.events.list({ tenantId: 'lost' })).items).toHaveLength(1)
      await webhooks.stop()
    },
  )

/** Gives the URL of a proxy before a server. */
type Proxied = (url: string) => Promise<string>
