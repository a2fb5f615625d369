/** Compiles every TypeScript block of the README and of pages of docs against the sources, so that nothing in it can go stale. */

import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'posthorn-readme-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Pages whose code is compiled, too. */
const pages = ['README.md', 'docs/mounting.md', 'docs/verifying.md']

/** `<page>-<line>.ts` → its code. Each block is a module of its own. */
const blocks = pages.flatMap((page) => {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(({ index, 1: code = '' }) => ({
    file: join(folder, `${page.replace(/\W/g, '-')}-${text.slice(0, index).split('\n').length + 1}.ts`),
    code: `${code}\nexport {}\n`,
  }))
})

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  experimentalDecorators: true,
  types: ['node'],
  typeRoots: [join(root, 'node_modules/@types')],
  paths: {
    posthorn: [join(root, 'src/index.ts')],
    'posthorn/verify': [join(root, 'src/signing/index.ts')],
    'posthorn/memory': [join(root, 'src/stores/memory.ts')],
    'posthorn/guard': [join(root, 'src/guard.ts')],
    'posthorn/http': [join(root, 'src/http/index.ts')],
    ...Object.fromEntries(
      ['node', 'express', 'fastify', 'hono', 'koa', 'nest', 'next'].map((name) => [
        `posthorn/${name}`,
        [join(root, `src/http/mounts/${name}.ts`)],
      ]),
    ),
    'posthorn/testing': [join(root, 'src/testing/index.ts')],
  },
}

describe('the README', () => {
  it('has code that compiles', () => {
    expect(blocks.length).toBeGreaterThan(5)
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir')
    for (const { file, code } of blocks) writeFileSync(file, code)
    const program = ts.createProgram(
      blocks.map(({ file }) => file),
      options,
    )
    const problems = blocks.flatMap(({ file }) => {
      const source = program.getSourceFile(file)
      return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(
        ({ messageText }) =>
          `${file.slice(folder.length + 1)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
      )
    })
    expect(problems).toEqual([])
  }, 60_000)

  it('names only scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const named = [...readme.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name)
    expect(named.filter((name) => !(String(name) in scripts))).toEqual([])
  })

  it('shows the two commands of a fresh clone', () => {
    expect(readme).toContain('npm ci && npm run demo')
    expect(readme).toContain('npm ci && npm test')
  })
})
