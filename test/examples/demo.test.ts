/** The demo's command line, and the demo on Postgres; on SQLite it is run by `.ci/run`, and fails when its ledger does not add up. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, inject, it } from 'vitest'
import { chosenStore } from '../../examples/demo/stores.ts'
import { askForServer } from '../support/databases/broker.ts'

interface Ended {
  readonly code: number | string | null | undefined
  readonly stdout: string
  readonly stderr: string
}

function demo(store: string, environment: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', 'examples/demo/main.ts', '--store', store],
      { cwd: root, env: { ...process.env, ...environment } },
      (error, stdout, stderr) => resolve({ code: error?.code, stdout, stderr }),
    )
  })
}

it('takes SQLite by default, and any of the three by name', () => {
  expect(chosenStore([])).toBe('sqlite')
  for (const name of ['sqlite', 'postgres', 'memory']) {
    expect(chosenStore(['--store', name])).toBe(name)
    expect(chosenStore([`--store=${name}`])).toBe(name)
  }
  for (const wrong of [
    ['--store'],
    ['--store', 'redis'],
    ['postgres'],
    ['--store=', 'sqlite'],
    ['--stores'],
  ]) {
    expect(chosenStore(wrong)).toBeNull()
  }
})

it('says how it is called when it is called wrongly', async () => {
  const { code, stderr } = await demo('redis')
  expect([code, stderr]).toEqual([2, 'usage: npm run demo -- --store sqlite|postgres|memory\n'])
})

it('adds up on Postgres, too', async () => {
  const { url } = await askForServer(inject('databases'), 'postgres')
  const { code, stdout, stderr } = await demo('postgres', { POSTHORN_TEST_POSTGRES_URL: url ?? '' })
  expect([code, stderr]).toEqual([undefined, ''])
  expect(stdout).toContain('Every webhook that was due arrived once')
}, 120_000)
