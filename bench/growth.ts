/** `npm run bench -- --growth`: what becomes of the work when tables, tenants and fleets grow, on Postgres. */
import { fork } from 'node:child_process'
import { short } from './figures.ts'
import type { GrowthRow, GrowthTask } from './growth/process.ts'
import type { machine } from './machine.ts'
import type { Mode } from './plan.ts'
import { ask, start, stop } from './process.ts'
import { writeResult } from './results.ts'
import { builtFile, type Sitting } from './sitting.ts'
import { table } from './table.ts'

type Sizes = Readonly<Record<Exclude<GrowthTask['name'], 'publishAll'>, number>>

const SIZES: Readonly<Record<Mode, Sizes>> = {
  quick: {
    claims: 10_000,
    outstanding: 40_000,
    subscriptions: 2_000,
    deadEndpoint: 20,
    eventLoop: 200,
    work: 1_000,
  },
  normal: {
    claims: 1_000_000,
    outstanding: 1_000_000,
    subscriptions: 100_000,
    deadEndpoint: 500,
    eventLoop: 2_000,
    work: 20_000,
  },
  full: {
    claims: 10_000_000,
    outstanding: 1_000_000,
    subscriptions: 100_000,
    deadEndpoint: 2_000,
    eventLoop: 5_000,
    work: 60_000,
  },
}
const SLOW_MS = 1_000
const FLEETS = [1, 2, 4]
const DEADLINE_MS = 1_800_000

type GrowthAnswer = { readonly rows: readonly GrowthRow[] } | { readonly error: string }

/** Runs all of it, or what is chosen by name, and prints as it goes. False when a part of it failed. */
export async function growth(
  sitting: Sitting,
  mode: Mode,
  about: ReturnType<typeof machine>,
  progress: (line: string) => void,
  print: (text: string) => void,
  chosen: readonly string[] | null,
): Promise<boolean> {
  const server = await sitting.server('postgres')
  if (typeof server === 'string') throw new Error(server)
  const sizes = SIZES[mode]
  const kept: Record<string, readonly GrowthRow[]> = {}
  let isWhole = true

  async function inProcess(
    name: GrowthTask['name'],
    url: string,
    size: number,
  ): Promise<readonly GrowthRow[]> {
    const child = start(fork(builtFile('growth/process')))
    try {
      const task: GrowthTask = { name, url, ports: sitting.ports, size }
      const answer = await ask<GrowthAnswer>(child, task, DEADLINE_MS)
      if ('error' in answer) throw new Error(answer.error)
      return answer.rows
    } finally {
      await stop(child)
    }
  }

  async function fleet(url: string, workers: number): Promise<readonly GrowthRow[]> {
    await inProcess('publishAll', url, sizes.work)
    const all = await Promise.all(Array.from({ length: workers }, () => inProcess('work', url, 0)))
    const seconds = Math.max(...all.flatMap((rows) => rows.map((row) => Number(row.seconds))))
    return [
      { what: `${workers} worker processes, ${sizes.work} deliveries`, 'deliveries/s': sizes.work / seconds },
    ]
  }

  async function step(
    name: string,
    delayMs: number,
    run: (url: string) => Promise<readonly GrowthRow[]>,
  ): Promise<void> {
    if (chosen?.includes(name) === false) return
    progress(`growth: ${name} …`)
    await sitting.askReceiver({ ask: 'reset', delayMs, arrivals: false })
    const { database, drop } = await (server as Exclude<typeof server, string>).fresh()
    try {
      const rows = await run(database.url)
      kept[name] = [...(kept[name] ?? []), ...rows]
      print(printed(name, rows))
    } catch (error) {
      isWhole = false
      print(`\n${name}: failed: ${error instanceof Error ? error.message : error}`)
    } finally {
      await drop()
    }
  }

  const alone = (name: Exclude<GrowthTask['name'], 'publishAll' | 'work'>) => (url: string) =>
    inProcess(name, url, sizes[name])
  await step('claim of 200 events', 0, alone('claims'))
  await step('memory', SLOW_MS, alone('outstanding'))
  await step('large fan-out', 0, alone('subscriptions'))
  await step('isolation', 0, alone('deadEndpoint'))
  await step('event loop', 0, alone('eventLoop'))
  for (const workers of FLEETS) await step('worker processes', 0, (url) => fleet(url, workers))
  if (chosen !== null) return isWhole
  const result = {
    takenAt: new Date().toISOString(),
    mode,
    machine: about,
    postgres: server.settings,
    measured: kept,
  }
  print(`\nwritten: ${await writeResult(mode === 'quick' ? 'quick-growth.json' : 'growth.json', result)}`)
  return isWhole
}

function printed(name: string, rows: readonly GrowthRow[]): string {
  const heads = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((head) => head !== 'what')
  const cell = (value: number | string | undefined): string =>
    typeof value === 'number' ? short(value) : (value ?? '-')
  return `\n${table(
    [name, ...heads],
    rows.map((row) => [row.what, ...heads.map((head) => cell(row[head]))]),
  )}`
}
