/** Test 23: two sessions that claim at once, under each isolation level that an application may have chosen. */
import { createWebhooks } from '../../../src/index.ts'
import { quietLogger } from '../../support/setup.ts'
import { openHost } from '../bench/host.ts'
import type { Scenario } from '../scenario.ts'
import { noServer } from './under-harm.ts'

const DUE = 1_000
const EACH = 100
/** Postgres locks row by row: where two claims meet they may share the rows out between them, down to the last few. */
const ENOUGH = { mysql: EACH, postgres: 0.9 * EACH }
const LEVELS = ['read committed', 'repeatable read', 'serializable']

export const claimsAtOnce: Scenario = {
  number: 23,
  name: 'two claims at once',
  kinds: ['mysql', 'postgres'],
  async run(bench, kind) {
    const problems: string[] = []
    const rounds = bench.full ? 500 : 6
    for (const level of LEVELS) {
      const place = await bench.place(kind)
      if (place === null || kind === 'sqlite') return noServer(kind)
      const each =
        kind === 'mysql'
          ? `set session transaction isolation level ${level}`
          : `set default_transaction_isolation = '${level}'`
      const [one, other] = [0, 1].map(() => openHost(bench, kind, place.url, { max: 2, each }).store)
      if (one === undefined || other === undefined) throw new Error('There are two.')
      const webhooks = createWebhooks({ store: one, logger: quietLogger })
      bench.after(() => webhooks.stop())
      await webhooks.migrate()
      for (let tenant = 0; tenant < 10; tenant++) {
        const many = Array.from({ length: DUE / 10 }, (_, id) => ({
          ...{ type: 'order.paid', data: { id }, tenantId: `tenant-${tenant}` },
        }))
        await webhooks.publishMany(many)
      }
      for (let round = 0; round < rounds; round++) {
        const request = { leaseMs: 30_000, limit: EACH, perTenant: EACH, perSubscription: EACH, alone: false }
        const [first, second] = await Promise.all(
          [one, other].map((store) =>
            store.claim({ ...request, token: crypto.randomUUID(), shares: new Map() }),
          ),
        )
        const claims = [first, second].map((claimed) => claimed?.work.map(({ claim }) => claim) ?? [])
        const rows = claims.flat().map(({ row }) => row)
        const sizes = claims.map(({ length }) => length)
        if (new Set(rows).size !== rows.length) problems.push(`${level}: a row was claimed twice`)
        if (sizes.some((size) => size > EACH || size < ENOUGH[kind]))
          problems.push(`${level}: claimed ${sizes.join(' and ')}`)
        await one.handBack(claims.flat().map((claim) => ({ claim, delayMs: 0 })))
      }
    }
    return {
      problems: problems.slice(0, 10),
      figures: { claims: 2 * rounds * LEVELS.length, 'gone wrong': problems.length },
    }
  },
}
