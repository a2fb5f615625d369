/** The package as a user gets it: packed, installed in an empty project, imported and required. */

import { execFile } from 'node:child_process'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { npm, type Packed, pack } from './pack.ts'
import { VERIFY_BUDGET, verifySize } from './size.ts'

const run = promisify(execFile)

interface Manifest {
  readonly version: string
  readonly bin?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
}

let packed: Packed
let manifest: Manifest
let project: string

beforeAll(async () => {
  packed = await pack()
  manifest = JSON.parse(await readFile(join(packed.built, 'package.json'), 'utf8'))
  project = join(packed.folder, 'project')
  await mkdir(project)
  await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }')
  await npm(['install', '--prefer-offline', packed.tarball], project)
  await copyFile(fileURLToPath(new URL('deliver.mjs', import.meta.url)), join(project, 'deliver.mjs'))
}, 240_000)

afterAll(async () => {
  if (packed !== undefined) await rm(packed.folder, { recursive: true, force: true })
})

describe('installed in an empty project, the package', () => {
  it.each(['import', 'require'])('makes a delivery through %s', async (how) => {
    const { stdout } = await run(process.execPath, ['deliver.mjs', how], { cwd: project })
    expect(stdout.trim()).toBe('order.paid o-1')
  })

  it('holds the build, README, CHANGELOG, SECURITY and LICENSE, and nothing else', async () => {
    const files = await readdir(join(project, 'node_modules', 'posthorn'))
    expect(files.sort()).toEqual([
      ...['CHANGELOG.md', 'LICENSE', 'README.md', 'SECURITY.md', 'dist', 'package.json'],
    ])
    const built = await readdir(join(project, 'node_modules', 'posthorn', 'dist'), { recursive: true })
    const commands = Object.values(manifest.bin ?? {}).map((file) =>
      file.slice('./dist/'.length, -'.js'.length),
    )
    const entries = Object.keys(manifest.exports)
      .map((path) => (path === '.' ? 'index' : path.slice(2)))
      .concat(commands)
    const strays = built.filter((file) => {
      const [, name = '', hash] = /^([\w-]+?)(-[\w-]{8})?(?:\.d\.ts|\.js|\.js\.map)$/.exec(file) ?? []
      return name === '' || (hash === undefined && !entries.includes(name))
    })
    expect(strays).toEqual([])
  })
})

describe('the exports', () => {
  it('name files that exist, with types', async () => {
    const files = await readdir(join(packed.built, 'dist'))
    for (const target of Object.values(manifest.exports)) {
      if (typeof target === 'string') continue
      expect(files).toContain(target.default.replace('./dist/', ''))
      expect(files).toContain(target.types.replace('./dist/', ''))
    }
  })

  it('leave out no entry that was built', async () => {
    const files = await readdir(join(packed.built, 'dist'))
    const entries = files.filter((file) => file.endsWith('.js') && !/-[A-Z0-9]{8}\.js$/.test(file))
    const exported = Object.values(manifest.exports).flatMap((target) =>
      typeof target === 'string' ? [] : [target.default.replace('./dist/', '')],
    )
    const commands = Object.values(manifest.bin ?? {}).map((file) => file.replace('./dist/', ''))
    expect(entries.sort()).toEqual([...exported, ...commands].sort())
  })
})

/** What a built file imports, chunks followed. */
async function imports(file: string, seen = new Set<string>()): Promise<string[]> {
  if (seen.has(file)) return []
  seen.add(file)
  const code = await readFile(join(packed.built, 'dist', file), 'utf8')
  const names = [
    ...code.matchAll(/^(?:import|export)\b[^'"]*?from ['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)/gm),
  ]
  const found: string[] = []
  for (const [, from, dynamic] of names) {
    const name = from ?? dynamic ?? ''
    if (name.startsWith('./')) found.push(...(await imports(name.slice(2), seen)))
    else found.push(name)
  }
  return found
}

describe('the built file', () => {
  it('verify.js imports nothing', async () => {
    const code = await readFile(join(packed.built, 'dist', 'verify.js'), 'utf8')
    expect(code).not.toMatch(/^\s*import\b|\bimport\s*\(\s*['"]|\brequire\(/m)
  })

  it('memory.js imports no zod', async () => {
    expect(await imports('memory.js')).not.toContain('zod')
  })

  it('verify.js keeps within its size budget', async () => {
    expect(await verifySize(join(packed.built, 'dist', 'verify.js'))).toBeLessThan(VERIFY_BUDGET)
  })
})
