/** Test 31: the database's own clock jumps by an hour, and all that was scheduled for that hour is due at once. */
import pg from 'pg'
import { pause } from '../../../src/cli/torture/fleet.ts'
import { createWebhooks } from '../../../src/index.ts'
import { anyTenant } from '../../../src/model.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import { startPostgres } from '../../support/databases/start-postgres.ts'
import { quietLogger } from '../../support/setup.ts'
import { countingReceiver } from '../bench/counting-receiver.ts'
import { fakeClock, noFaketime } from '../bench/fake-clock.ts'
import type { Scenario } from '../scenario.ts'

const HOUR_MS = 3_600_000
const SLOTS = 60
const PER_SUBSCRIPTION = 10
const POOL = 8
const LOOK_MS = 50
const TENANT = { tenantId: 'acme' }
/** What is due may be due for so long when the storm is over. */
const QUIET_MS = 2_000

export const databaseClock: Scenario = {
  number: 31,
  name: "the database's clock jumps by an hour",
  kinds: ['postgres'],
  longMinutes: 5,
  needs: 'faketime',
  async run(bench) {
    const clock = await fakeClock(bench, 0)
    if (clock === null) return noFaketime
    const server = await startPostgres({
      settings: ['synchronous_commit=on'],
      environment: clock.environment,
    })
    bench.after(() => server.stop())
    const pool = new pg.Pool({ connectionString: server.url, max: POOL, application_name: 'storm' })
    bench.after(() => pool.end())
    const store = postgresStore({ client: pool })
    const webhooks = createWebhooks({
      ...{ store, allowHttp: true, allowCidrs: ['127.0.0.0/8'], logger: quietLogger },
      ...{ concurrency: SLOTS, concurrencyPerSubscription: PER_SUBSCRIPTION, concurrencyPerOrigin: SLOTS },
    })
    bench.after(() => webhooks.stop())
    await webhooks.migrate()
    const receiver = await countingReceiver(bench, 10)
    const [endpoints, scheduled] = bench.full ? [50, 50_000] : [10, 2_000]
    for (let number = 0; number < endpoints; number++) {
      await webhooks.subscriptions.create({
        ...{ ...TENANT, url: `${receiver.url}/${number}`, events: [`to.${number}`] },
      })
    }
    // Every other one goes to the same endpoint, which would take all slots if it could.
    for (let done = 0; done < scheduled; done += 500) {
      const batch = Array.from({ length: 500 }, (_, index) => ({
        ...{
          ...TENANT,
          type: `to.${index % 2 === 0 ? 0 : (done + index) % endpoints}`,
          data: {},
          delayMs: HOUR_MS / 2 + index,
        },
      }))
      await webhooks.publishMany(batch)
    }
    await webhooks.start()
    await pause(2_000)
    const tooEarly = receiver.requests.size

    clock.set(HOUR_MS / 1_000)
    const observer = new pg.Client({ connectionString: server.url })
    await observer.connect()
    bench.after(() => observer.end())
    let mostConnections = 0
    let late = 0
    let published = 0
    const begun = Date.now()
    const patienceMs = bench.full ? 300_000 : 60_000
    for (let turn = 0; receiver.requests.size < scheduled && Date.now() - begun < patienceMs; turn++) {
      const { rows } = await observer.query(
        `select count(*)::int as open from pg_stat_activity where application_name = 'storm'`,
      )
      mostConnections = Math.max(mostConnections, rows[0].open)
      if (bench.full && turn % 200 === 0) bench.say(`  ${receiver.requests.size} of ${scheduled} arrived`)
      await pause(LOOK_MS)
    }
    const tookMs = Date.now() - begun
    // What is published now must not wait for anything.
    for (; published < 100; published++) await webhooks.publish('to.0', {}, TENANT)
    for (
      const until = Date.now() + 20_000;
      receiver.requests.size < scheduled + published && Date.now() < until;
    ) {
      const { oldestDueAt } = await store.backlog({ tenant: anyTenant })
      if (oldestDueAt !== null) late = Math.max(late, (await store.now()) - oldestDueAt)
      await pause(LOOK_MS)
    }
    await webhooks.stop()
    const lost = scheduled + published - receiver.requests.size
    const duplicated = [...receiver.requests.values()].filter((times) => times > 1).length
    const perSecond = new Map<number, number>()
    for (const at of receiver.at)
      perSecond.set(Math.floor(at / 1_000), (perSecond.get(Math.floor(at / 1_000)) ?? 0) + 1)
    return {
      problems: [
        ...(lost === 0 ? [] : [`lost ${lost}`]),
        ...(tooEarly === 0 ? [] : [`${tooEarly} were sent before they were due`]),
        ...(duplicated === 0 ? [] : [`duplicated ${duplicated}, although no worker died`]),
        ...(receiver.mostOpen > SLOTS ? [`${receiver.mostOpen} requests at a time, not ${SLOTS}`] : []),
        ...(receiver.mostOpenOfOne > PER_SUBSCRIPTION
          ? [`${receiver.mostOpenOfOne} requests at a time to one endpoint, not ${PER_SUBSCRIPTION}`]
          : []),
        ...(mostConnections > POOL ? [`${mostConnections} connections, of a pool of ${POOL}`] : []),
        ...(late > QUIET_MS ? [`after the storm something was due for ${Math.round(late)} ms`] : []),
      ],
      figures: {
        ...{ lost, duplicated, recovered: 0, unexpected: tooEarly, deliveries: scheduled + published },
        'requests at a time': receiver.mostOpen,
        'of one endpoint': receiver.mostOpenOfOne,
        'in one second': Math.max(...perSecond.values()),
        connections: mostConnections,
        s: Math.round(tookMs / 1_000),
      },
    }
  },
}
