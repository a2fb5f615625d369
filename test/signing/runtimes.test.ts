/** The runtime suite here and in a Workers-like runtime; `runtimes.ts` runs it on all the others. */

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { EdgeVM } from '@edge-runtime/vm'
import { expect, it } from 'vitest'
import { bundleSuite } from './runtime-bundle.js'
import type { SuiteResult } from './runtime-suite.js'

it.each([
  ['node:crypto', []],
  ['Web Crypto', ['web']],
])('passes on the Node that runs these tests, with %s', async (crypto, args) => {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-'))
  try {
    const file = join(folder, 'suite.mjs')
    await writeFile(file, await bundleSuite('module'))
    const { stdout } = await promisify(execFile)(process.execPath, [file, ...args])
    const result: SuiteResult = JSON.parse(stdout)
    expect(result).toMatchObject({ crypto, failures: [] })
    expect(result.passed).toBeGreaterThan(100)
  } finally {
    await rm(folder, { recursive: true })
  }
})

it("passes in a Workers-like runtime without Node's globals, with Web Crypto", async () => {
  const edge = new EdgeVM()
  expect(edge.evaluate('[typeof Buffer, typeof process, typeof require].join()')).toBe(
    'undefined,undefined,undefined',
  )
  edge.evaluate(await bundleSuite('script'))
  const result: SuiteResult = await edge.evaluate('suite')
  expect(result).toMatchObject({ crypto: 'Web Crypto' })
  expect([...result.failures]).toEqual([])
  expect(result.passed).toBeGreaterThan(100)
})
