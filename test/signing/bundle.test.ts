/** What a receiver's bundle gets: little, nothing else, and nothing of Node. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { describe, expect, it } from 'vitest'

const folder = fileURLToPath(new URL('../../src/signing', import.meta.url))
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
)

async function bundle(contents: string): Promise<string> {
  const built = await build({
    stdin: { contents, resolveDir: folder, loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
  })
  return built.outputFiles[0]?.text ?? ''
}

describe('the bundle of a receiver', () => {
  it('is under 1,500 bytes gzipped with the default scheme', async () => {
    const code = await bundle("export { verify } from './index.ts'")
    const bytes = gzipSync(code, { level: 9 }).length
    console.log(`verify: ${code.length} B minified, ${bytes} B gzipped`)
    expect(bytes).toBeLessThan(1_500)
  })

  it('holds no other scheme and no signing code', async () => {
    const code = await bundle("export { verify } from './index.ts'")
    expect(code).not.toMatch(/Ed25519|sha256=|hex|SigningError|createSecretKey|randomUUID/)
  })

  it('is empty when nothing is used, even where a bundler is not told that no file has side effects', async () => {
    const built = await build({
      stdin: { contents: "import './index.ts'", resolveDir: folder, loader: 'ts' },
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      platform: 'neutral',
      plugins: [
        {
          name: 'forget-side-effects-flag',
          setup: ({ onResolve }) =>
            onResolve({ filter: /^\./ }, ({ path, resolveDir }) => ({
              path: join(resolveDir, path.replace(/\.js$/, '.ts')),
              sideEffects: true,
            })),
        },
      ],
    })
    expect((built.outputFiles[0]?.text ?? '').trim()).toBe('')
  })

  it('needs no Buffer, no require and no import', async () => {
    const code = await bundle("export * from './index.ts'")
    expect(code).not.toMatch(/\bBuffer\b|\brequire\(|\bimport\b/)
  })
})

describe('the folder', () => {
  it.each(files)('%s imports nothing from outside, and only types of node:', (file) => {
    const source = readFileSync(join(folder, file), 'utf8')
    const depth = file.includes('/') ? /^\.\.?\/[\w-]+\.js$/ : /^\.\/(signers\/)?[\w-]+\.js$/
    for (const [, specifier = ''] of source.matchAll(/^(?:import|export)\s[^'"]*?from '([^']+)'/gm))
      expect(specifier).toMatch(depth)
    expect(source).not.toMatch(/^import '/m)
  })

  it('reads the clock in one place', () => {
    const readers = files.filter((file) =>
      /Date\.now\(|Math\.random\(/.test(readFileSync(join(folder, file), 'utf8')),
    )
    expect(readers).toEqual(['verify.ts'])
  })

  it('keeps every file under 300 lines', () => {
    for (const file of files)
      expect(readFileSync(join(folder, file), 'utf8').split('\n').length).toBeLessThan(300)
  })
})
