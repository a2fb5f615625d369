/** The package as a user gets it: packed, installed in an empty project, imported and required. */

import { execFile, spawn } from 'node:child_process'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { plain, standalone } from './docs-code.ts'
import { unnamedTypes } from './exported-types.ts'
import { npm, type Packed, pack } from './pack.ts'
import { VERIFY_BUDGET, verifySize } from './size.ts'
import { besideEachZod } from './zod-majors.ts'

const run = promisify(execFile)

interface Manifest {
  readonly version: string
  readonly bin?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
}

/** Files that entries share: how many there are and what they are called changes with the code. */
const CHUNK = /^dist\/[\w-]+-[\w-]{8}(\.d\.ts|\.js|\.js\.map)$/

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
}, 400_000)

afterAll(async () => {
  if (packed !== undefined) await rm(packed.folder, { recursive: true, force: true })
})

describe('installed in an empty project, the package', () => {
  it.each(['import', 'require'])('makes a delivery through %s', async (how) => {
    const { stdout } = await run(process.execPath, ['deliver.mjs', how], { cwd: project })
    expect(stdout.trim()).toBe('order.paid o-1')
  })

  it('holds the build, the pages and what they link, and nothing else', async () => {
    const files = await readdir(join(project, 'node_modules', 'posthorn'))
    expect(files.sort()).toEqual([
      ...['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'SECURITY.md'],
      ...['bench', 'dist', 'docs', 'examples', 'package.json'],
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

describe('the links of its pages', () => {
  it('lead to files that are installed with it', async () => {
    const installed = join(project, 'node_modules', 'posthorn')
    const files = await readdir(installed, { recursive: true })
    const pages = files.filter((file) => file.endsWith('.md'))
    expect(pages.length).toBeGreaterThan(20)
    const broken: string[] = []
    for (const page of pages) {
      const text = await readFile(join(installed, page), 'utf8')
      for (const [, path = ''] of text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g))
        if (!files.includes(join(dirname(page), path))) broken.push(`${page} → ${path}`)
    }
    expect(broken).toEqual([])
  })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  const address = server.address()
  await new Promise((closed) => server.close(closed))
  return typeof address === 'object' && address !== null ? address.port : 0
}

describe('the code of README and docs, in that project', () => {
  const [start, ...others] = standalone

  it('delivers within the first sixty seconds', async () => {
    const code = start?.code ?? ''
    expect(code).toContain('4000')
    await writeFile(
      join(project, 'start.mjs'),
      await plain(code.replaceAll('4000', String(await freePort()))),
    )
    const child = spawn(process.execPath, ['start.mjs'], {
      cwd: project,
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 20_000,
    })
    try {
      const lines = createInterface(child.stdout)
      const first = await new Promise((resolve) => {
        lines.once('line', resolve)
        child.once('exit', (status) => resolve(`ended with ${status}`))
      })
      expect(first).toBe("received order.paid { orderId: 'o-1', amount: 4200 }")
    } finally {
      child.kill()
    }
  })

  it.each(others.filter(({ code }) => !code.includes('.listen(')))(
    'runs: $place',
    async ({ place, code }) => {
      const file = `${place.replace(/\W+/g, '-')}.mjs`
      await writeFile(join(project, file), await plain(code))
      const env = { ...process.env, NODE_ENV: 'test', POSTHORN_KEY: '00'.repeat(32) }
      const { stdout } = await run(process.execPath, [file], { cwd: project, env })
      // What a block says it prints, in a comment behind the call, it prints.
      for (const [, said = ''] of code.matchAll(/console\.log\(.*\) \/\/ (\S.*)$/gm))
        expect(stdout).toContain(said.split(',')[0])
    },
  )
})

describe('what is published', () => {
  it('is the list of test/fixtures/published-files.txt, to the file', async () => {
    const [listed] = JSON.parse(await npm(['pack', '--dry-run', '--json'], packed.built)) as {
      files: readonly { readonly path: string; readonly mode: number }[]
    }[]
    const files = listed?.files ?? []
    const paths = new Set(files.map(({ path }) => path.replace(CHUNK, 'dist/<chunk>$1')))
    const snapshot = new URL('../fixtures/published-files.txt', import.meta.url)
    expect([...paths].sort().join('\n')).toBe((await readFile(snapshot, 'utf8')).trim())
    expect(files.filter(({ mode }) => (mode & 0o111) !== 0).map(({ path }) => path)).toEqual(['dist/cli.js'])
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

  it('give every type of a signature a name that can be imported', () => {
    const entries = Object.values(manifest.exports).flatMap((target) =>
      typeof target === 'string' ? [] : [target.types.replace('./dist/', '')],
    )
    expect(unnamedTypes(join(packed.built, 'dist'), entries)).toEqual([])
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
    expect(await imports('memory.js')).not.toContain('zod/v4')
  })

  it('verify.js keeps within its size budget', async () => {
    expect(await verifySize(join(packed.built, 'dist', 'verify.js'))).toBeLessThan(VERIFY_BUDGET)
  })
})

besideEachZod(() => packed)
