/** The TypeScript blocks of the README and of docs/, bundled so that a process of their own can run them from the sources. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import builds from '../../tsup.config.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** `posthorn/<entry>` → its source. */
const entries = Object.fromEntries(
  [builds]
    .flat()
    .flatMap((config) => Object.entries((typeof config === 'object' && config.entry) || {}))
    .map(([name, source]) => [
      name === 'index' ? 'posthorn' : `posthorn/${name}`,
      join(root, String(source)),
    ]),
)

/** One block. */
export interface DocsBlock {
  /** `docs/verifying.md:12`. */
  readonly place: string
  readonly code: string
}

/** Every TypeScript block of a page. */
export function blocksOf(page: string): readonly DocsBlock[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(({ index, 1: code = '' }) => ({
    place: `${page}:${text.slice(0, index).split('\n').length + 1}`,
    code,
  }))
}

/** A module for Node that holds the block and what it takes from the library; other packages stay imports. */
export async function runnable(code: string): Promise<string> {
  const built = await build({
    stdin: { contents: code, resolveDir: root, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true } },
    plugins: [
      {
        name: 'sources',
        setup: ({ onResolve }) => {
          onResolve({ filter: /^posthorn(\/|$)/ }, ({ path }) => ({ path: entries[path] ?? path }))
          onResolve({ filter: /^[^./]/ }, ({ path, kind }) =>
            kind === 'entry-point' ? undefined : { path, external: true },
          )
        },
      },
    ],
  })
  return built.outputFiles[0]?.text ?? ''
}
