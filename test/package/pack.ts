/** Builds the package and packs it, in a folder of its own, so that tests never race with the working `dist`. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))

/** A packed tarball and the folder it was built in. */
export interface Packed {
  /** Holds everything; remove it afterwards. */
  readonly folder: string
  /** Where the package was built: `package.json`, `dist`, … */
  readonly built: string
  readonly tarball: string
}

/** Runs npm as a user would, quietly; returns what it printed. */
export async function npm(args: readonly string[], cwd: string): Promise<string> {
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
  // Run by npm itself, a test would inherit settings of that run.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
  const kept = process.env.npm_config_registry
  const { stdout } = await run('npm', [...args, ...quiet], {
    cwd,
    env: kept === undefined ? env : { ...env, npm_config_registry: kept },
  })
  return stdout
}

/** `npm run build` and `npm pack` on a copy of the sources. */
export async function pack(): Promise<Packed> {
  const folder = await mkdtemp(join(tmpdir(), 'posthorn-package-'))
  const built = join(folder, 'built')
  await mkdir(built)
  for (const name of [
    'src',
    'docs',
    'examples',
    'bench/results/chart.svg',
    'package.json',
    'tsconfig.json',
    'tsup.config.ts',
    'LICENSE',
  ])
    await cp(join(root, name), join(built, name), { recursive: true })
  for (const name of (await readdir(root)).filter((file) => file.endsWith('.md')))
    await cp(join(root, name), join(built, name))
  await symlink(join(root, 'node_modules'), join(built, 'node_modules'), 'dir')
  await npm(['run', 'build'], built)
  await npm(['pack', '--pack-destination', folder], built)
  const tarball = (await readdir(folder)).find((file) => file.endsWith('.tgz'))
  if (tarball === undefined) throw new Error('npm pack made no tarball')
  return { folder, built, tarball: join(folder, tarball) }
}
