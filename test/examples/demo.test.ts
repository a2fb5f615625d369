/** The command line of the demo; the demo itself is run by `.ci/run`, and fails when its ledger does not add up. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { chosenStore } from '../../examples/demo/stores.ts'

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
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const ended = new Promise<{ code: number | string | null | undefined; stderr: string }>((resolve) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', 'examples/demo/main.ts', '--store', 'redis'],
      { cwd: root },
      (error, _stdout, stderr) => resolve({ code: error?.code, stderr }),
    )
  })
  expect(await ended).toEqual({ code: 2, stderr: 'usage: npm run demo -- --store sqlite|postgres|memory\n' })
})
