/** Test 19: everything at once over the same rows, from several processes: no deadlock, no error for a caller, nothing left half done. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { type OpenedStore, openStore } from '../../../src/cli/open-store.ts'
import { createWebhooks } from '../../../src/index.ts'
import { fakeTransport } from '../../../src/testing/fake-transport.ts'
import { quietLogger } from '../../support/setup.ts'
import type { Kind, Scenario } from '../scenario.ts'
import { noServer } from './under-harm.ts'

/** What a process tells in the end. */
interface Told {
  readonly wrong: readonly string[]
  readonly acts: number
  readonly statements: number
  readonly deadlocks: number
}

const MOST_DEADLOCKS = 1 / 10_000

export const deadlocks: Scenario = {
  number: 19,
  name: 'deadlock hunt',
  kinds: ['postgres', 'mysql', 'sqlite'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const opened = await openStore(place)
    bench.after(() => opened.close())
    const webhooks = createWebhooks({
      ...{ store: opened.store, transport: fakeTransport(), logger: quietLogger },
    })
    bench.after(() => webhooks.stop())
    await webhooks.migrate()
    const { processes, forMs } = bench.full
      ? { processes: 8, forMs: 600_000 }
      : { processes: 3, forMs: 6_000 }
    const told = await Promise.all(
      Array.from({ length: processes }, async (_, index): Promise<Told> => {
        const child = fork(bench.programs.probe, ['upsetter'], {
          env: { ...process.env, UPSET: JSON.stringify({ place, seed: bench.seed + index, forMs }) },
          execArgv: [],
          stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        })
        bench.after(() => child.kill('SIGKILL'))
        const exited = once(child, 'exit').then(([code, signal]) => ({
          ...{ wrong: [`a process ended with ${signal ?? code}`], acts: 0, statements: 0, deadlocks: 0 },
        }))
        return Promise.race([once(child, 'message').then(([found]) => found as Told), exited])
      }),
    )
    const sum = (of: (one: Told) => number) => told.reduce((total, one) => total + of(one), 0)
    const [statements, retried] = [sum((one) => one.statements), sum((one) => one.deadlocks)]
    const found = kind === 'postgres' ? await deadlocksOfPostgres(opened) : retried
    const allowed = kind === 'postgres' ? 0 : Math.ceil(statements * MOST_DEADLOCKS)
    await webhooks.drain()
    const contradictions = await contradictionsOf(opened, kind)
    return {
      problems: [
        ...told.flatMap(({ wrong }) => wrong).slice(0, 10),
        ...(found <= allowed ? [] : [`${found} deadlocks, ${allowed} allowed`]),
        ...contradictions,
      ],
      figures: { acts: sum((one) => one.acts), statements, deadlocks: found },
    }
  },
}

/** The server counts them for each database, a moment later. */
async function deadlocksOfPostgres({ query }: OpenedStore): Promise<number> {
  await query('select pg_stat_clear_snapshot()')
  const [row] = await query('select deadlocks from pg_stat_database where datname = current_database()')
  return Number(row?.deadlocks)
}

/** What no order of things may lead to: a row of it is a contradiction. */
async function contradictionsOf({ query }: OpenedStore, kind: Kind): Promise<string[]> {
  const of = (name: string) => (kind === 'postgres' ? `posthorn.${name}` : `posthorn_${name}`)
  const same = 'd.tenant_id = q.tenant_id and d.id = q.delivery_id'
  const checks = {
    'queued deliveries that are not pending': `select count(*) as n from ${of('queue')} q left join ${of('deliveries')} d on ${same}
      where q.kind = 1 and (d.id is null or d.state <> 'pending')`,
    'pending deliveries that are not queued': `select count(*) as n from ${of('deliveries')} d left join ${of('queue')} q on ${same}
      where d.state = 'pending' and q.id is null`,
    'deliveries queued twice': `select count(*) as n from (select delivery_id from ${of('queue')} where kind = 1
      group by tenant_id, delivery_id having count(*) > 1) twice`,
    'deliveries without an event': `select count(*) as n from ${of('deliveries')} d left join ${of('events')} e
      on e.tenant_id = d.tenant_id and e.id = d.event_id where e.id is null`,
    'attempts that are numbered twice': `select count(*) as n from (select delivery_id from ${of('attempts')}
      group by tenant_id, delivery_id, number having count(*) > 1) twice`,
  }
  const found: string[] = []
  for (const [what, sql] of Object.entries(checks)) {
    const [row] = await query(sql)
    if (Number(row?.n) > 0) found.push(`${row?.n} ${what}`)
  }
  return found
}
