/** The shape of the code: how long files are, who imports whom, and who may look at the clock. */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What `prisma generate` has made. */
const GENERATED = /^(examples\/prisma\/generated|test\/fixtures\/prisma)\//

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !/(^|[\\/])node_modules[\\/]/.test(file))
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .filter((file) => !GENERATED.test(file))
    .sort()
}

const parse = (file: string, text = readFileSync(join(root, file), 'utf8')): ts.SourceFile =>
  ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true)

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node)
  node.forEachChild((child) => visit(child, see))
}

/** What a file imports, static and dynamic: files of the project as `src/…`, packages by name; types of a package say so. */
function importsOf(source: ts.SourceFile): string[] {
  const found: string[] = []
  const add = (node: ts.Node | undefined, onlyTypes = false): void => {
    if (node === undefined || !ts.isStringLiteral(node)) return
    if (!node.text.startsWith('.')) found.push(onlyTypes ? `types of ${node.text}` : node.text)
    else {
      const target = resolve(root, dirname(source.fileName), node.text)
      found.push(relative(root, target).replaceAll('\\', '/').replace(/\.js$/, '.ts'))
    }
  }
  visit(source, (node) => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, node.importClause?.isTypeOnly)
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0])
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, true)
  })
  return found
}

const FORBIDDEN_CALLS = ['Date.now', 'performance.now', 'Math.random']
const FORBIDDEN_NAMES = ['setTimeout', 'setInterval', 'setImmediate', 'console']

/** Uses of the machine's clock, timers, chance and console. */
function machineUses(source: ts.SourceFile): string[] {
  const found = new Set<string>()
  visit(source, (node) => {
    if (ts.isPropertyAccessExpression(node) && FORBIDDEN_CALLS.includes(node.getText())) {
      found.add(node.getText())
    }
    if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length) {
      found.add('new Date()')
    }
    if (!ts.isIdentifier(node) || !FORBIDDEN_NAMES.includes(node.text)) return
    const parent = node.parent
    const isMember = ts.isPropertyAccessExpression(parent) && parent.name === node
    const isOurs = isMember && parent.expression.getText() !== 'globalThis'
    if (!isOurs && !ts.isPropertySignature(parent) && !ts.isMethodSignature(parent)) found.add(node.text)
  })
  return [...found].sort()
}

const CONTRACTS = [
  'model',
  'errors',
  'store',
  'records',
  'lists',
  'queries',
  'transport',
  'hooks',
  'clock',
  'patterns',
].map((name) => `src/${name}.ts`)

/** Who may not import what: every import of a file that matches `of` must pass `allows`. */
const rules: readonly {
  readonly rule: string
  readonly of: (file: string) => boolean
  readonly allows: (target: string) => boolean
}[] = [
  {
    rule: 'signing imports nothing outside itself, but for types of node:crypto',
    of: (file) => file.startsWith('src/signing/'),
    allows: (target) => target.startsWith('src/signing/') || target === 'types of node:crypto',
  },
  {
    rule: 'contracts import only each other',
    of: (file) => CONTRACTS.includes(file),
    allows: (target) => CONTRACTS.includes(target),
  },
  {
    rule: 'delivery never imports an adapter',
    of: (file) => file.startsWith('src/delivery/'),
    allows: (target) => !/^src\/(stores|transports)\//.test(target),
  },
  {
    rule: 'adapters never import delivery',
    of: (file) => /^src\/(stores|transports)\//.test(file),
    allows: (target) => !target.startsWith('src/delivery/'),
  },
  {
    rule: 'the guard stands alone: contracts and plain checks only',
    of: (file) => file.startsWith('src/guard'),
    allows: (target) => !/^src\/(stores|transports|delivery|http)\//.test(target) && target !== 'zod/v4',
  },
  {
    rule: 'nothing but the surface imports the surface',
    of: (file) => file !== 'src/index.ts' && !/^src\/(testing|cli|http)\//.test(file),
    allows: (target) =>
      target !== 'src/index.ts' && target !== 'src/webhooks.ts' && !target.startsWith('src/http/'),
  },
  {
    rule: 'http imports the public surface, the clock and signing',
    of: (file) => file.startsWith('src/http/'),
    allows: (target) =>
      /^src\/(http|signing)\//.test(target) ||
      ['src/index.ts', 'src/clock.ts', 'zod/v4'].includes(target) ||
      target.startsWith('types of '),
  },
  {
    rule: 'the memory store needs no zod',
    of: (file) => file.startsWith('src/stores/'),
    allows: (target) => target !== 'zod/v4',
  },
]

describe('every file', () => {
  it.each(['src', 'examples', 'bench', 'test'])('in %s has at most 300 lines', (folder) => {
    const long = filesIn(folder)
      .map((file) => ({ file, lines: readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > 300)
    expect(long).toEqual([])
  })

  it('is named in kebab-case, and for what it holds', () => {
    const names = filesIn('src').flatMap((file) => file.split('/').map((part) => part.replace(/\.ts$/, '')))
    expect(names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name))).toEqual([])
    expect(
      names.filter((name) => /^(utils?|helpers?|lib|common|types|core|manager|service)$/.test(name)),
    ).toEqual([])
  })

  it('of the library starts by saying what it is', () => {
    const silent = filesIn('src').filter(
      (file) => !/^(#!.*\n)?\/\*\*/.test(readFileSync(join(root, file), 'utf8')),
    )
    expect(silent).toEqual([])
  })
})

describe('imports', () => {
  const imports = new Map(filesIn('src').map((file) => [file, importsOf(parse(file))]))

  it.each(rules)('$rule', ({ of, allows }) => {
    const broken = [...imports]
      .filter(([file]) => of(file))
      .flatMap(([file, targets]) =>
        targets.filter((target) => !allows(target)).map((target) => `${file} → ${target}`),
      )
    expect(broken).toEqual([])
  })

  it('are seen, whatever their form', () => {
    const forms = `import a from './a.ts'; export * from './b.js'; type C = import('./c.ts').C; await import('zod'); import type d from 'node:fs'`
    expect(importsOf(parse('src/x/y.ts', forms))).toEqual([
      'src/x/a.ts',
      'src/x/b.ts',
      'src/x/c.ts',
      'zod',
      'types of node:fs',
    ])
  })
})

describe('clock, timers, chance and console', () => {
  /** The clock; the receivers' own entry, which has no injected one; the doubles for tests. */
  const allowed: Readonly<Record<string, readonly string[]>> = {
    'src/clock.ts': ['Date.now', 'Math.random', 'performance.now', 'setImmediate', 'setTimeout'],
    'src/signing/verify.ts': ['Date.now'],
    'src/signing/sign-request.ts': ['new Date()'],
    'src/testing/manual-clock.ts': ['setImmediate'],
    'src/testing/receiver.ts': ['setTimeout'],
  }

  it('are used in one place', () => {
    const uses = filesIn('src')
      .map((file) => ({
        file,
        uses: machineUses(parse(file)).filter((use) => !allowed[file]?.includes(use)),
      }))
      .filter((one) => one.uses.length > 0)
    expect(uses).toEqual([])
  })

  it('are seen in code, not in comments and not as names of our own', () => {
    const code = `// setTimeout\nclock.setTimeout(1); globalThis.setTimeout(f); Math.random(); new Date(); new Date(5)`
    expect(machineUses(parse('src/x.ts', code))).toEqual(['Math.random', 'new Date()', 'setTimeout'])
  })
})
