/** Bundles the runtime suite with its vectors into one script that prints its result as one line of JSON. */

import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** `module` for real runtimes; `script` for a bare VM, where the result is a promise in `globalThis.suite`. */
export async function bundleSuite(kind: 'module' | 'script'): Promise<string> {
  const start =
    "import vectors from '../fixtures/vectors.json'; import { runSuite } from './runtime-suite.ts'\n"
  const end =
    kind === 'module'
      ? 'console.log(JSON.stringify(await runSuite(vectors)))'
      : 'globalThis.suite = runSuite(vectors)'
  const built = await build({
    stdin: { contents: start + end, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' },
    bundle: true,
    write: false,
    format: kind === 'module' ? 'esm' : 'iife',
    target: 'es2022',
    platform: 'neutral',
    // With the argument `web`, as if there were no node:crypto.
    banner: { js: "if (globalThis.process?.argv.includes('web')) process.getBuiltinModule = undefined;" },
  })
  return built.outputFiles[0]?.text ?? ''
}
