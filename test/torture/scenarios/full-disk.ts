/** Test 26: the disk under Postgres is full for a while: its tables cannot grow, and then its log cannot either. */
import { type ChildProcess, execFile, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { promisify } from 'node:util'
import pg from 'pg'
import { pause } from '../../../src/cli/torture/fleet.ts'
import { createWebhooks } from '../../../src/index.ts'
import { postgresStore } from '../../../src/stores/postgres.ts'
import { temporaryFolder } from '../../support/databases/server.ts'
import { quietLogger } from '../../support/setup.ts'
import { countingReceiver } from '../bench/counting-receiver.ts'
import type { Bench, Scenario } from '../scenario.ts'

const MEGABYTES = 160
const TIMEOUT_MS = 2_500
const EVERY_MS = 25
const RESUMED_WITHIN_MS = 5_000
const TRIES_PER_S = 2
const TENANT = { tenantId: 'acme' }

export const fullDisk: Scenario = {
  number: 26,
  name: 'a full disk under Postgres',
  kinds: ['postgres'],
  longMinutes: 6,
  needs: 'root and util-linux (unshare)',
  async run(bench) {
    const disk = await smallDisk(bench)
    if (disk === null)
      return { skipped: 'no file system can be mounted here (root, and unshare of util-linux)' }
    const pool = new pg.Pool({ connectionString: disk.url, max: 8 })
    bench.after(() => pool.end())
    let failedClaims = 0
    const webhooks = createWebhooks({
      ...{ store: postgresStore({ client: pool }), allowHttp: true, allowCidrs: ['127.0.0.0/8'] },
      ...{ timeoutMs: TIMEOUT_MS, logger: quietLogger },
      hooks: {
        problem({ during }) {
          if (during === 'claim') failedClaims += 1
        },
      },
    })
    bench.after(() => webhooks.stop())
    await webhooks.migrate()
    const receiver = await countingReceiver(bench, 20)
    await webhooks.subscriptions.create({ ...TENANT, url: receiver.url })
    await webhooks.start()

    const acknowledged = new Set<string>()
    const refused = new Set<string>()
    const codes = new Map<string, number>()
    let publishing = true
    /** Publishes once; what nobody knows is published again, with its id. */
    async function publish(id: string): Promise<void> {
      const data = { text: randomBytes(2_000).toString('base64') }
      for (let unknown = false; ; await pause(200)) {
        try {
          await webhooks.publish('order.paid', data, { ...TENANT, id })
          acknowledged.add(id)
          return
        } catch (error) {
          const { code = 'none', outcomeUnknown = false } = error as {
            code?: string
            outcomeUnknown?: boolean
          }
          codes.set(code, (codes.get(code) ?? 0) + 1)
          unknown ||= outcomeUnknown
          if (unknown) continue
          refused.add(id)
          return
        }
      }
    }
    const open = new Set<Promise<void>>()
    const feeding = (async () => {
      for (let number = 0; publishing; number++) {
        const one = publish(`evt_full_${number}`).finally(() => open.delete(one))
        open.add(one)
        await pause(EVERY_MS)
      }
      await Promise.all(open)
    })()
    feeding.catch(() => {})

    const { rounds, fullMs, betweenMs } = bench.full
      ? { rounds: 5, fullMs: 30_000, betweenMs: 15_000 }
      : { rounds: 1, fullMs: 12_000, betweenMs: 4_000 }
    const problems: string[] = []
    let restarts = 0
    for (let round = 1; round <= rounds; round++) {
      await pause(betweenMs)
      const known = refused.size
      await disk.fill()
      for (const until = Date.now() + fullMs; refused.size === known && Date.now() < until; ) await pause(20)
      const [fullAt, failedBefore] = [Date.now(), failedClaims]
      if (refused.size === known) problems.push(`round ${round}: nothing was refused`)
      await pause(fullMs / 2)
      await endTheLog(disk.url)
      await pause(fullMs / 2)
      const failed = failedClaims - failedBefore
      const freedAt = Date.now()
      const wentOn = await disk.free()
      restarts += Number(!wentOn)
      const backAt = Date.now()
      const sent = receiver.at.filter((at) => at > fullAt + TIMEOUT_MS + 500 && at < freedAt).length
      if (sent > 0) problems.push(`round ${round}: ${sent} requests while no claim could be written`)
      if (failed > TRIES_PER_S * (fullMs / 1_000))
        problems.push(`round ${round}: ${failed} claims were tried`)
      for (const until = backAt + 20_000; (receiver.at.at(-1) ?? 0) <= backAt && Date.now() < until; )
        await pause(20)
      const resumedMs = (receiver.at.find((at) => at > backAt) ?? Number.POSITIVE_INFINITY) - backAt
      if (resumedMs > RESUMED_WITHIN_MS) problems.push(`round ${round}: resumed after ${resumedMs} ms`)
      if (bench.full)
        bench.say(
          `  round ${round}: ${refused.size - known} refused, ${wentOn ? 'the server lived' : 'the server was started again'}`,
        )
    }
    publishing = false
    await feeding
    const arrived = (id: string) => receiver.requests.get(`${id} /`) ?? 0
    const left = () => [...acknowledged].filter((id) => arrived(id) === 0).length
    for (const until = Date.now() + 60_000; left() > 0 && Date.now() < until; ) await pause(100)
    await webhooks.stop()
    const lost = left()
    const unexpected = [...refused].filter((id) => arrived(id) > 0).length
    const { rows } = await pool.query('select id from posthorn.events where id = any($1)', [[...refused]])
    await pool.query('create extension if not exists amcheck')
    const damage = await pool
      .query(`select bt_index_check(c.oid, true) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_am a on a.oid = c.relam where n.nspname = 'posthorn' and c.relkind = 'i' and a.amname = 'btree'`)
      .then(
        () => [],
        (error: Error) => [`an index is broken: ${error.message}`],
      )
    const duplicated = [...acknowledged].filter((id) => arrived(id) > 1).length
    const mostOfOne = Math.max(...[...acknowledged].map(arrived))
    return {
      problems: [
        ...problems,
        ...damage,
        ...(lost === 0 ? [] : [`lost ${lost}`]),
        ...(unexpected + rows.length === 0
          ? []
          : [`${rows.length} refused events are stored, ${unexpected} of them were sent`]),
        ...(codes.has('STORE_FULL') ? [] : ['no publish was refused with STORE_FULL']),
      ],
      figures: {
        ...{
          lost,
          duplicated,
          recovered: 0,
          unexpected,
          deliveries: acknowledged.size,
          refused: refused.size,
        },
        'requests of one at most': mostOfOne,
        'failed claims': failedClaims,
        'servers started again': restarts,
        refusals: [...codes].map(([code, count]) => `${code} ${count}`).join(' '),
      },
    }
  },
}

/** Asks for new segments of the log, for which there is no room: sooner or later the server gives up. */
async function endTheLog(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    for (let segment = 0; segment < 8; segment++) {
      await client.query(`select pg_logical_emit_message(false, 'torture', 'x', true), pg_switch_wal()`)
    }
  } catch {
    // That is what it is for.
  } finally {
    await client.end().catch(() => {})
  }
}

/** Null where nothing can be mounted. */
async function smallDisk(bench: Bench) {
  const may = await promisify(execFile)('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).then(
    () => true,
    () => false,
  )
  if (!may) return null
  const folder = await temporaryFolder('small-disk')
  bench.after(folder.remove)
  const program = new URL('../processes/small-disk.ts', import.meta.url).pathname
  const child: ChildProcess = fork(program, [], {
    execPath: 'unshare',
    execArgv: ['--mount', process.execPath, '--import', 'tsx'],
    env: { ...process.env, SMALL_DISK: JSON.stringify({ folder: folder.path, megabytes: MEGABYTES }) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  bench.after(async () => {
    if (child.exitCode !== null) return
    const exited = once(child, 'exit')
    child.disconnect()
    await exited
  })
  const reply = async <Reply>(command?: 'fill' | 'free'): Promise<Reply> => {
    if (command !== undefined) child.send(command)
    const answer = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => null)])
    if (answer === null) throw new Error('The server on the small disk has ended.')
    return answer[0] as Reply
  }
  const { url } = await reply<{ url: string }>()
  return {
    url,
    fill: () => reply('fill'),
    free: async () => (await reply<{ wentOn: boolean }>('free')).wentOn,
  }
}
