/** Test 30: due times are instants: the zone of the process, of the database and of its sessions changes none, not in the night of a clock change either. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { openStore, type StorePlace } from '../../../../src/cli/open-store.ts'
import { createWebhooks } from '../../../../src/index.ts'
import { mysql } from '../../../../src/stores/sql/dialects/mysql.ts'
import { quietLogger } from '../../../support/setup.ts'
import type { Bench, Kind, Scenario } from '../../scenario.ts'
import { noServer } from '../under-harm.ts'

/** Zone of the process, zone of the database (as a name, and as what a MariaDB without zone tables takes). */
const ZONES: readonly (readonly [process: string, database: string, offset: string])[] = [
  ['UTC', 'UTC', '+00:00'],
  ['Europe/Berlin', 'America/New_York', '-05:00'],
  ['America/New_York', 'Europe/Berlin', '+02:00'],
  ['Asia/Kathmandu', 'Pacific/Apia', '+13:00'],
  ['Australia/Lord_Howe', 'Asia/Kathmandu', '+05:45'],
  ['Pacific/Apia', 'America/St_Johns', '-03:30'],
]

/** Around clock changes, where local times exist twice, or not at all. */
const NIGHTS = [
  ...['2024-03-31T00:59:59.999Z', '2024-03-31T01:00:00.000Z', '2024-03-31T01:30:00.000Z'],
  ...['2024-04-06T14:45:00.000Z', '2024-04-06T15:15:00.000Z', '2024-10-27T00:30:00.000Z'],
  ...['2024-10-27T01:30:00.000Z', '2024-11-03T05:30:00.000Z', '2024-11-03T06:30:00.000Z'],
].map((text) => Date.parse(text))
/** As far ahead as an event may be delivered: over a clock change for most of the year. */
const aheadOf = (now: number) => NIGHTS.map((_, nth) => now + nth * 9 * 86_400_000 + 4_321_000)
const DELAY_MS = 3_600_000
/** Zones differ by 15 minutes at least. */
const NEAR_MS = 300_000

interface Told {
  readonly zone: string
  readonly clock: readonly [before: number, store: number, after: number]
  readonly due: readonly number[]
  readonly occurred: readonly number[]
  readonly delayed: number
}

export const zones: Scenario = {
  number: 30,
  name: 'time zones',
  kinds: ['postgres', 'mysql', 'sqlite'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const opened = await openStore(place)
    bench.after(() => opened.close())
    await createWebhooks({ store: opened.store, logger: quietLogger }).migrate()
    const problems: string[] = []
    for (const [nth, [zone, database, offset]] of ZONES.entries()) {
      if (kind === 'postgres') {
        const name = new URL(place.url).pathname.slice(1)
        await opened.query(`alter database ${name} set timezone = '${database}'`)
      }
      const due = aheadOf(Date.now())
      const told = await publishIn(bench, kind, place, zone, `tenant-${nth}`, due)
      problems.push(...wrongIn(told, zone, due).map((problem) => `${zone} over ${database}: ${problem}`))
      if (kind === 'mysql') problems.push(...(await nightsOf(place, offset)))
    }
    return { problems, figures: { combinations: ZONES.length, instants: 2 * NIGHTS.length } }
  },
}

async function publishIn(
  bench: Bench,
  kind: Kind,
  place: StorePlace,
  zone: string,
  tenantId: string,
  ahead: readonly number[],
): Promise<Told> {
  const queue = kind === 'postgres' ? 'posthorn.queue' : 'posthorn_queue'
  const due = { place, queue, tenantId, occurred: NIGHTS, due: ahead, delayMs: DELAY_MS }
  const child = fork(bench.programs.probe, ['due-times'], {
    env: { ...process.env, TZ: zone, DUE: JSON.stringify(due) },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  bench.after(() => child.kill('SIGKILL'))
  const gone = once(child, 'exit').then(([code]) =>
    Promise.reject(new Error(`The caller ended with ${code}.`)),
  )
  const [told] = (await Promise.race([once(child, 'message'), gone])) as [Told]
  await gone.catch(() => {})
  return told
}

function wrongIn({ zone, clock, due, occurred, delayed }: Told, asked: string, ahead: readonly number[]) {
  const [before, store, after] = clock
  const wanted = [...ahead, delayed].sort((a, b) => a - b).join()
  const found = due.map((micros) => Math.floor(micros / 1_000)).join()
  const kept = occurred.slice(0, NIGHTS.length).join()
  return [
    ...(zone === canonical(asked) ? [] : [`the process is in ${zone}`]),
    ...(store > before - NEAR_MS && store < after + NEAR_MS ? [] : [`the store says ${store} at ${before}`]),
    ...(found === wanted ? [] : [`due at ${found}, not ${wanted}`]),
    ...(kept === NIGHTS.join() ? [] : [`occurred at ${kept}`]),
  ]
}

/** Zones have old names and new ones. */
const canonical = (timeZone: string) => new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone

/** MariaDB can be told what time it is: in a session of this zone its clock is the instant, on both sides of a clock change. */
async function nightsOf(place: StorePlace, offset: string): Promise<string[]> {
  const { createConnection } = await import('mysql2/promise')
  const connection = await createConnection(place.url)
  try {
    await connection.query(`set time_zone = '${offset}'`)
    const problems: string[] = []
    for (const night of NIGHTS) {
      const seconds = night / 1_000
      await connection.query(`set timestamp = ${seconds}`)
      const [rows] = await connection.query(`select ${mysql.now} as instant`)
      const { instant } = (rows as { instant: unknown }[])[0] ?? {}
      if (Number(instant) !== Math.round(seconds * 1e6))
        problems.push(`${offset}: at ${night} the clock says ${instant}`)
    }
    return problems
  } finally {
    await connection.end()
  }
}
