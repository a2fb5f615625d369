/** Test 22: processes that migrate at the same time, one of them killed in the middle, also beside a worker that goes on sending. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { openStore, type StorePlace } from '../../../src/cli/open-store.ts'
import { seeded } from '../../../src/cli/torture/random.ts'
import { createWebhooks } from '../../../src/index.ts'
import { quietLogger } from '../../support/setup.ts'
import type { Bench, Kind, Scenario } from '../scenario.ts'
import { startReceiver } from './transactional.ts'
import { noServer } from './under-harm.ts'

const PATIENCE_MS = 30_000

export const migrations: Scenario = {
  number: 22,
  name: 'migrations at once, one killed',
  kinds: ['postgres', 'mysql', 'sqlite'],
  async run(bench, kind) {
    const clean = await bench.place(kind)
    if (clean === null) return noServer(kind)
    const begun = performance.now()
    await migrate(clean)
    const tookMs = Math.ceil(performance.now() - begun)
    const wanted = await describe(clean, kind)
    const random = seeded(bench.seed)
    const problems: string[] = []
    const rounds = bench.full ? 50 : 2
    let killed = 0
    for (let round = 0; round < rounds; round++) {
      const place = await bench.place(kind)
      if (place === null) return noServer(kind)
      const [victim, other] = [start(bench, place), start(bench, place)]
      const ends = [once(victim, 'exit'), once(other, 'exit')] as const
      await Promise.race([once(victim, 'message'), ends[0]])
      await pause(random.between(0, tookMs / 2))
      if (victim.exitCode === null && victim.kill('SIGKILL')) killed += 1
      const [died] = await ends[0]
      if (died !== null && died !== 0) problems.push(`round ${round}: the first ended with code ${died}`)
      const [code] = await ends[1]
      if (code !== 0) problems.push(`round ${round}: the other one ended with code ${code}`)
      const again = start(bench, place)
      const [late] = await once(again, 'exit')
      if (late !== 0) problems.push(`round ${round}: a later one ended with code ${late}`)
      const found = await describe(place, kind)
      if (found !== wanted) problems.push(`round ${round}: ${difference(found, wanted)}`)
    }
    const sent = await besideAWorker(bench, clean)
    if ((await describe(clean, kind)) !== wanted) problems.push('migrating again has changed the schema')
    if (killed === 0) problems.push('no migration was killed')
    return { problems: [...problems.slice(0, 5), ...sent], figures: { rounds, killed } }
  },
}

function start(bench: Bench, place: StorePlace): ChildProcess {
  const child = fork(bench.programs.probe, ['migrator'], {
    env: { ...process.env, MIGRATE: JSON.stringify({ place }) },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  bench.after(() => child.kill('SIGKILL'))
  return child
}

async function migrate(place: StorePlace): Promise<void> {
  const opened = await openStore(place)
  await opened.store.migrate()
  await opened.close()
}

/** A worker and publishers that know nothing of the two that migrate meanwhile. */
async function besideAWorker(bench: Bench, place: StorePlace): Promise<string[]> {
  const { received, url } = await startReceiver(bench)
  const opened = await openStore(place)
  bench.after(() => opened.close())
  const webhooks = createWebhooks({
    ...{ store: opened.store, allowHttp: true, allowCidrs: ['127.0.0.0/8'], logger: quietLogger },
  })
  bench.after(() => webhooks.stop())
  await webhooks.subscriptions.create({ tenantId: 'acme', url })
  await webhooks.start()
  const children = [start(bench, place), start(bench, place)]
  const codes = Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]))
  let published = 0
  while (children.some(({ exitCode }) => exitCode === null) || published < 20) {
    await webhooks.publish('order.paid', { id: published++ }, { tenantId: 'acme' })
    await pause(5)
  }
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await pause(20)) {
    if (received.size === published) break
  }
  const failed = (await codes).filter((code) => code !== 0).length
  return [
    ...(received.size === published ? [] : [`${published - received.size} of ${published} were not sent`]),
    ...([...received.values()].some((times) => times > 1) ? ['some were sent twice'] : []),
    ...(failed === 0 ? [] : [`${failed} migrations failed beside a worker`]),
  ]
}

/** Everything that makes up a schema, as text, one thing a line. */
const SCHEMA: Readonly<Record<Kind, readonly string[]>> = {
  postgres: [
    `select 'column ' || table_name || '.' || column_name as name, concat_ws(' ', data_type, collation_name, is_nullable, column_default, is_identity) as sql
      from information_schema.columns where table_schema = 'posthorn'`,
    `select 'index ' || indexname as name, indexdef as sql from pg_indexes where schemaname = 'posthorn'`,
    `select 'constraint ' || conname as name, pg_get_constraintdef(c.oid) as sql from pg_constraint c
      join pg_namespace n on n.oid = connamespace where nspname = 'posthorn'`,
    `select 'options ' || relname as name, concat_ws(' ', relkind, reloptions::text) as sql from pg_class
      join pg_namespace n on n.oid = relnamespace where nspname = 'posthorn'`,
    `select 'invalid ' || indexrelid::regclass::text as name, 'invalid' as sql from pg_index where not indisvalid`,
    `select 'migration ' || version as name, name as sql from posthorn.migrations`,
  ],
  mysql: [
    `select concat('column ', table_name, '.', column_name) as name, concat_ws(' ', ordinal_position, column_type, collation_name, is_nullable,
      column_default, extra) as \`sql\` from information_schema.columns where table_schema = database()`,
    `select concat('index ', table_name, '.', index_name, '.', seq_in_index) as name, concat_ws(' ', column_name, non_unique, sub_part) as \`sql\`
      from information_schema.statistics where table_schema = database()`,
    `select concat('options ', table_name) as name, concat_ws(' ', engine, table_collation) as \`sql\` from information_schema.tables
      where table_schema = database()`,
    "select concat('migration ', version) as name, name as `sql` from posthorn_migrations",
  ],
  sqlite: [
    "select type || ' ' || name as name, sql from sqlite_master",
    "select 'migration ' || version as name, name as sql from posthorn_migrations",
  ],
}

async function describe(place: StorePlace, kind: Kind): Promise<string> {
  const opened = await openStore(place)
  try {
    const lines: string[] = []
    for (const statement of SCHEMA[kind]) {
      for (const { name, sql } of await opened.query(statement)) lines.push(`${name}: ${sql}`)
    }
    return lines.sort().join('\n')
  } finally {
    await opened.store.close()
    await opened.close()
  }
}

function difference(found: string, wanted: string): string {
  const [has, should] = [new Set(found.split('\n')), new Set(wanted.split('\n'))]
  const missing = [...should].filter((line) => !has.has(line))
  const more = [...has].filter((line) => !should.has(line))
  return `missing ${missing.slice(0, 3).join('; ') || 'nothing'}, too much ${more.slice(0, 3).join('; ') || 'nothing'}`
}
