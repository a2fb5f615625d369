/** The code of the README and of docs/ that needs nothing but the package and Node, as plain JavaScript to run. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transform } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** One block of code. */
export interface DocsCode {
  /** `docs/testing.md:9`. */
  readonly place: string
  readonly code: string
}

/** Every TypeScript block of a page of the repository. */
function blocksOf(page: string): readonly DocsCode[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(({ index, 1: code = '' }) => ({
    place: `${page}:${text.slice(0, index).split('\n').length + 1}`,
    code,
  }))
}

/** True for code that imports nothing but the package, zod and Node's own modules, and declares nothing that is elsewhere. */
function standsAlone(code: string): boolean {
  if (/^declare /m.test(code)) return false
  return [...code.matchAll(/from '([^']+)'/g)].every(([, name = '']) =>
    /^(posthorn(\/.*)?|zod|node:.*)$/.test(name),
  )
}

/** All blocks that stand alone, the README's start first. */
export const standalone: readonly DocsCode[] = [
  'README.md',
  ...readdirSync(join(root, 'docs')).map((file) => `docs/${file}`),
]
  .filter((page) => page.endsWith('.md'))
  .flatMap(blocksOf)
  .filter(({ code }) => standsAlone(code))

/** Without its types. */
export async function plain(code: string): Promise<string> {
  return (await transform(code, { loader: 'ts', format: 'esm', target: 'node20' })).code
}
