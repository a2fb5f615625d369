/** Bundles the programs that scenarios start, once, so that a process is up in a fraction of a second. */
import { build } from 'esbuild'
import { temporaryFolder } from '../../support/databases/server.ts'

const root = new URL('../../..', import.meta.url).pathname

/** CommonJS packages in an ES module look for this. */
const REQUIRE =
  "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);"

export async function buildPrograms(): Promise<{
  readonly programs: { readonly cli: string; readonly probe: string }
  remove(): Promise<void>
}> {
  const folder = await temporaryFolder('programs')
  await build({
    absWorkingDir: root,
    entryPoints: { cli: 'src/cli/main.ts', probe: 'test/torture/processes/probe.ts' },
    outdir: folder.path,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    banner: { js: REQUIRE },
    logLevel: 'error',
  })
  return {
    programs: { cli: `${folder.path}/cli.mjs`, probe: `${folder.path}/probe.mjs` },
    remove: folder.remove,
  }
}
