/**
 * Runs the verify suite on the other runtimes, each taken from npm: `npx tsx test/signing/runtimes.ts`. Slow the
 * first time, so it is no part of the normal tests. Ends with status 1 when a runtime fails.
 */

import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleSuite } from './runtime-bundle.ts'
import type { SuiteResult } from './runtime-suite.ts'

const node = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
const runtimes: readonly (readonly string[])[] = [
  ['-p', `${node}@20`, '--', 'node'],
  ['-p', `${node}@22`, '--', 'node'],
  ['-p', `${node}@24`, '--', 'node'],
  ['bun@1'],
  ['deno@2', 'run'],
]

const folder = await mkdtemp(join(tmpdir(), 'posthorn-'))
let failed = false
try {
  await writeFile(join(folder, 'suite.mjs'), await bundleSuite('module'))
  for (const args of runtimes.flatMap((one) => [
    [...one, 'suite.mjs'],
    [...one, 'suite.mjs', 'web'],
  ])) {
    const run = spawnSync('npx', ['-y', ...args], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 300_000,
    })
    const line = run.stdout.trim().split('\n').at(-1) ?? ''
    const result: SuiteResult | undefined = line.startsWith('{') ? JSON.parse(line) : undefined
    const bad = result === undefined || result.passed === 0 || result.failures.length > 0
    failed ||= bad
    console.log(
      result
        ? `${bad ? 'FAILED' : 'ok'}  ${result.runtime}, ${result.crypto}: ${result.passed} passed, ${result.failures.length} failed`
        : `FAILED  ${args.join(' ')} did not run: ${run.error?.message ?? run.stderr.slice(-500)}`,
    )
    for (const failure of result?.failures ?? []) console.log(`  ${failure}`)
  }
} finally {
  await rm(folder, { recursive: true })
}
process.exitCode = failed ? 1 : 0
