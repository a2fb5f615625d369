/**
 * Test 8: what a power cut leaves of a SQLite file. All processes are stopped, wherever they are, the database and its log are
 * copied, and every copy must hold what was acknowledged. A log may also end earlier, up to what a checkpoint has moved: each
 * such end must be a state in which the rows fit together.
 */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { basename, dirname } from 'node:path'
import { type OpenedStore, openStore } from '../../../src/cli/open-store.ts'
import { pause } from '../../../src/cli/torture/fleet.ts'
import { type Published, readLedger } from '../../../src/cli/torture/ledger.ts'
import { type Seeded, seeded } from '../../../src/cli/torture/random.ts'
import type { Harm } from '../../../src/cli/torture/run.ts'
import { ledgers } from '../../../src/cli/torture/settings.ts'
import { anyTenant } from '../../../src/model.ts'
import { temporaryFolder } from '../../support/databases/server.ts'
import type { Scenario } from '../scenario.ts'
import { noServer, underHarm } from './under-harm.ts'

export const fileOf = (url: string) => url.replace('sqlite:', '')

/** A copy, and the events that had been acknowledged when it was made. */
interface Copy {
  readonly file: string
  readonly acknowledged: readonly string[]
  /** The log may end anywhere from here on. */
  readonly logFrom: number
}

export const powerCut: Scenario = {
  number: 8,
  name: 'SQLite power cut',
  kinds: ['sqlite'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const folder = await temporaryFolder('copies')
    bench.after(folder.remove)
    const source = fileOf(place.url)
    const copies: Copy[] = []
    const load = bench.full
      ? { workers: 2, events: 4_000, endpoints: 5, spreadMs: 80_000, timeoutMs: 5_000, times: 500 }
      : { workers: 2, events: 300, endpoints: 3, spreadMs: 4_000, timeoutMs: 5_000, times: 50 }
    const copying: Harm = async (fleet, random, opened, settings) => {
      // The tables themselves are on the disk, whatever becomes of the log; a handle that has read nothing yet knows of none.
      await opened.query('select count(*) from posthorn_events')
      while ((await opened.query('pragma wal_checkpoint(truncate)'))[0]?.busy !== 0) await pause(5)
      const { published } = ledgers(settings.folder)
      while (copies.length < load.times && !fleet.said.gone) {
        await pause(random.between(0, (0.6 * load.spreadMs) / load.times))
        const file = `${folder.path}/${copies.length}/${basename(source)}`
        copies.push(
          await fleet.whileStill(() => {
            const logFrom = copyAll(source, file)
            const known = existsSync(published) ? readLedger<Published>(published) : []
            return {
              file,
              logFrom,
              acknowledged: known.filter(({ kind: what }) => what === 'acknowledged').map(({ id }) => id),
            }
          }),
        )
      }
    }
    const found = await underHarm(bench, place, load, copying)
    const broken: string[] = []
    const random = seeded(bench.seed ^ 0xca7)
    let cut = 0
    for (const copy of copies) {
      const shorter = cutLog(copy, random)
      if (shorter !== null) {
        cut += 1
        broken.push(...(await inspect(shorter, load.endpoints)))
      }
      broken.push(...(await inspect(copy, load.endpoints)))
    }
    const between = copies.filter(({ acknowledged }) => acknowledged.length < load.events).length
    return {
      problems: [
        ...found.problems,
        ...broken.slice(0, 10),
        ...(between > copies.length / 5
          ? []
          : [`only ${between} copies were made while events were published`]),
      ],
      figures: {
        ...found.figures,
        copies: copies.length,
        'of them with a shorter log, too': cut,
        'copies broken': broken.length,
      },
    }
  },
}

const FRAME_HEADER = 24
const LOG_HEADER = 32
/** Where the shared memory of a log says how many frames a checkpoint has begun to move. */
const MOVED_AT = 128
const PARTS = ['', '-wal', '-shm']

/**
 * Copies a database; returns how many bytes of its log a checkpoint may have moved. By another process: whoever closes a file
 * loses the locks that SQLite holds on it in the same process.
 */
function copyAll(source: string, target: string): number {
  const there = PARTS.filter((part) => existsSync(`${source}${part}`))
  mkdirSync(dirname(target))
  execFileSync('cp', [...there.map((part) => `${source}${part}`), dirname(target)])
  const moved = there.length === PARTS.length ? numberAt(`${target}-shm`, MOVED_AT, 'little') : 0
  rmSync(`${target}-shm`, { force: true })
  return LOG_HEADER + moved * (FRAME_HEADER + numberAt(`${target}-wal`, 8, 'big'))
}

function numberAt(path: string, position: number, order: 'little' | 'big'): number {
  if (!existsSync(path)) return 0
  const file = openSync(path, 'r')
  const bytes = Buffer.alloc(4)
  try {
    if (readSync(file, bytes, 0, 4, position) < 4) return 0
  } finally {
    closeSync(file)
  }
  return order === 'little' ? bytes.readUInt32LE() : bytes.readUInt32BE()
}

/** The same copy, its log cut off at a random byte; null when all of it has been moved. */
function cutLog({ file, logFrom }: Copy, random: Seeded): Copy | null {
  const size = existsSync(`${file}-wal`) ? statSync(`${file}-wal`).size : 0
  if (size <= logFrom) return null
  const shorter = `${file}.cut`
  copyFileSync(file, shorter)
  copyFileSync(`${file}-wal`, `${shorter}-wal`)
  truncateSync(`${shorter}-wal`, random.between(logFrom, size - 1))
  return { file: shorter, acknowledged: [], logFrom }
}

const PAGE = 1_000
type List<Row> = (page: {
  limit: number
  after?: { at: number; id: string }
}) => Promise<{ rows: readonly Row[] }>

async function all<Row extends { readonly id: string }>(
  list: List<Row>,
  at: (row: Row) => number,
): Promise<Row[]> {
  const found: Row[] = []
  for (;;) {
    const last = found.at(-1)
    const { rows } = await list({
      limit: PAGE,
      ...(last === undefined ? {} : { after: { at: at(last), id: last.id } }),
    })
    found.push(...rows)
    if (rows.length < PAGE) return found
  }
}

/** What is wrong with a copy: its pages, an acknowledged event that is not in it, rows that do not fit together. */
async function inspect({ file, acknowledged }: Copy, endpoints: number): Promise<string[]> {
  const opened = await openStore({ url: `sqlite:${file}` })
  try {
    const [checked] = await opened.query('pragma integrity_check')
    const intact = Object.values(checked ?? {})[0] === 'ok'
    if (!intact) return [`${file}: integrity_check says ${JSON.stringify(checked)}`]
    return (await contradictions(opened, acknowledged, endpoints)).map((sentence) => `${file}: ${sentence}`)
  } finally {
    await opened.store.close()
    await opened.close()
  }
}

async function contradictions(
  { store, query }: OpenedStore,
  acknowledged: readonly string[],
  endpoints: number,
): Promise<string[]> {
  const scope = { tenant: anyTenant } as const
  const events = await all(
    (page) => store.listEvents(scope, page),
    ({ publishedAt }) => publishedAt,
  )
  const deliveries = await all(
    (page) => store.listDeliveries(scope, page),
    ({ createdAt }) => createdAt,
  )
  const attempts = await all(
    (page) => store.listAttempts(scope, page),
    ({ startedAt }) => startedAt,
  )
  const queued = await query('select event_id, delivery_id from posthorn_queue')
  const stored = new Set(events.map(({ id }) => id))
  const waiting = new Set(queued.filter(({ delivery_id: id }) => id === null).map(({ event_id: id }) => id))
  const scheduled = new Set(queued.map(({ delivery_id: id }) => id))
  const count = new Map<string, number>()
  for (const { eventId } of deliveries) count.set(eventId, (count.get(eventId) ?? 0) + 1)
  const numbers = new Map<string, number[]>()
  for (const { deliveryId, number } of attempts) {
    numbers.set(deliveryId, [...(numbers.get(deliveryId) ?? []), number])
  }
  const gaps = deliveries.filter(({ id, attemptCount }) => {
    const made = (numbers.get(id) ?? []).sort((a, b) => a - b)
    return made.length !== attemptCount || made.some((number, index) => number !== index + 1)
  })
  const wrong = {
    'acknowledged events are missing': acknowledged.filter((id) => !stored.has(id)).length,
    'events are neither queued nor sent to all': events.filter(
      ({ id }) => !waiting.has(id) && count.get(id) !== endpoints,
    ).length,
    'pending deliveries are in no queue': deliveries.filter(
      ({ id, state }) => state === 'pending' && !scheduled.has(id),
    ).length,
    'ended deliveries are still queued': deliveries.filter(
      ({ id, state }) => state !== 'pending' && scheduled.has(id),
    ).length,
    'deliveries have attempts with gaps': gaps.length,
    'deliveries have no event': deliveries.filter(({ eventId }) => !stored.has(eventId)).length,
  }
  return Object.entries(wrong)
    .filter(([, many]) => many > 0)
    .map(([what, many]) => `${many} ${what}`)
}
