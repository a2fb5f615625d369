/** Compiles every TypeScript block of the README and of docs/ against the sources, so that nothing in it can go stale. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { afterAll, describe, expect, it } from 'vitest'
import builds from '../tsup.config.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'posthorn-readme-'))
afterAll(() => rmSync(folder, { recursive: true }))

const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
]

/** `posthorn/<entry>` → its source. */
const entries = Object.fromEntries(
  [builds]
    .flat()
    .flatMap((build) =>
      Object.entries(typeof build === 'object' ? (build.entry ?? {}) : {}).map(([name, source]) => [
        name === 'index' ? 'posthorn' : `posthorn/${name}`,
        [join(root, String(source))],
      ]),
    ),
)

const all = pages.map((page) => readFileSync(join(root, page), 'utf8')).join('\n')

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
  paths: entries,
}

describe('the README and the pages of docs', () => {
  it('have code that compiles', () => {
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
  }, 120_000)

  it('name only scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const named = [...all.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name)
    expect(named.filter((name) => !(String(name) in scripts))).toEqual([])
  })

  it('show the two commands of a fresh clone', () => {
    expect(readme).toContain('npm ci && npm run demo')
    expect(readme).toContain('npm ci && npm test')
  })
})
