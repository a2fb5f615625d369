/** Test 74 of the reliability catalogue, but for `npm audit`, which needs a network: nothing runs when the package is installed. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

interface Manifest {
  readonly name: string
  readonly scripts?: Record<string, string>
  readonly dependencies?: Record<string, string>
  readonly gypfile?: boolean
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = async (file: string): Promise<Manifest> => JSON.parse(await readFile(file, 'utf8'))

/** The manifest that Node would find from this folder. */
async function found(name: string, from: string): Promise<{ manifest: Manifest; folder: string }> {
  for (const modules of createRequire(join(from, 'x.js')).resolve.paths(name) ?? []) {
    const folder = join(modules, name)
    const manifest = await read(join(folder, 'package.json')).catch(() => null)
    if (manifest !== null) return { manifest, folder }
  }
  throw new Error(`${name} is not installed`)
}

async function tree(manifest: Manifest, folder: string, seen = new Map<string, Manifest>()) {
  for (const name of Object.keys(manifest.dependencies ?? {})) {
    if (seen.has(name)) continue
    const dependency = await found(name, folder)
    seen.set(name, dependency.manifest)
    await tree(dependency.manifest, dependency.folder, seen)
  }
  return seen
}

it('neither the package nor anything that it needs at run time has an install script', async () => {
  const own = await read(join(root, 'package.json'))
  const all = [own, ...(await tree(own, root)).values()]
  expect(all.length).toBeGreaterThan(5)
  const scripts = all.flatMap(({ name, scripts = {}, gypfile }) =>
    ['preinstall', 'install', 'postinstall']
      .filter((script) => script in scripts)
      .concat(gypfile === true ? ['gypfile'] : [])
      .map((script) => `${name}: ${script}`),
  )
  expect(scripts).toEqual([])
})

it('needs no more at run time than is meant', async () => {
  const own = await read(join(root, 'package.json'))
  expect(Object.keys(own.dependencies ?? {}).sort()).toEqual([
    'ipaddr.js',
    'ky',
    'kysely',
    'p-retry',
    'undici',
  ])
})
