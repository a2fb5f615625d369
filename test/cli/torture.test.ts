/** `npx posthorn torture --url …` as its user runs it, bundled, for a second and a half: what it says, and what it leaves. */
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { temporaryFolder } from '../support/databases/server.ts'
import { buildPrograms } from '../torture/bench/programs.ts'
import { places } from './places.ts'

const SEED = 7
/** Several processes are started for each chapter; a busy machine takes its time. */
const PATIENCE_MS = 120_000

let built: Awaited<ReturnType<typeof buildPrograms>> | undefined
beforeAll(async () => {
  built = await buildPrograms()
})
afterAll(() => built?.remove())

function torture(url: string, folder: string): Promise<{ readonly code: number; readonly text: string }> {
  const cli = built?.programs.cli ?? ''
  const argv = [cli, 'torture', '--url', url, '--minutes', '0.02', '--seed', String(SEED)]
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      argv,
      { env: { ...process.env, TMPDIR: folder } },
      (error, text, complaint) => {
        resolve({ code: Number(error?.code ?? 0), text: text + complaint })
      },
    )
  })
}

const FIGURES =
  /: 90 deliveries, [1-9]\d* faults: lost 0, duplicated \d+, recovered \d+, unexpected 0(, slowest recovery [\d.]+ s)? \(\d+ s\)$/

const CHAPTERS = ['kill -9', 'zombies (SIGSTOP)', 'rolling deploys']
const CUTS = 'cut connections'
const SERVERS =
  'Left out: server restarts, full disks, network faults: they need a server that the run has started itself.'

/** What is done to each database, and what it is told that it is spared. */
const told: Readonly<
  Record<string, { readonly chapters: readonly string[]; readonly spared: readonly string[] }>
> = {
  sqlite: {
    chapters: CHAPTERS,
    spared: [`Left out: ${CUTS}: only Postgres ends connections by a statement.`, SERVERS],
  },
  postgres: { chapters: [...CHAPTERS, CUTS], spared: [SERVERS] },
}

describe.concurrent.each(places.filter(([name]) => name in told))('on %s', (name, create) => {
  it(
    'says what it leaves out, loses nothing, and leaves nothing behind',
    async ({ expect, onTestFinished }) => {
      const place = await create()
      onTestFinished(() => place.drop())
      const folder = await temporaryFolder('torture-cli')
      onTestFinished(() => folder.remove())
      await place.run('create table orders (id integer)')
      const before = await place.tables()

      const { code, text } = await torture(place.url, folder.path)
      const { chapters = [], spared = [] } = told[name] ?? {}
      const lines = text.trim().split('\n')
      const head = 1 + spared.length
      expect(lines.slice(0, head)).toEqual([`seed ${SEED}: ${chapters.join(', ')}.`, ...spared])
      expect(lines.slice(head)).toEqual([
        ...chapters.map((chapter) => expect.stringContaining(`${chapter}: 90 `)),
        'Nothing was lost.',
      ])
      for (const line of lines.slice(head, -1)) expect(line).toMatch(FIGURES)
      expect(code).toBe(0)

      expect(await place.tables()).toEqual(before)
      expect(await readdir(folder.path)).toEqual([])
    },
    PATIENCE_MS,
  )
})
