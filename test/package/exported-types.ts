/** Which types of the built declarations a user meets in a signature and cannot import: neither from `posthorn` nor from that entry. */
import { existsSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import ts from 'typescript'

const options: ts.CompilerOptions = {
  noLib: true,
  types: [],
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
}

/** Only the package's own files: types of other packages are imported from those. */
function programOf(entries: readonly string[]): ts.Program {
  const host = ts.createCompilerHost(options)
  host.resolveModuleNameLiterals = (names, from) =>
    names.map(({ text }) => {
      const file = resolve(dirname(from), text.replace(/\.js$/, '.d.ts'))
      const found = text.startsWith('.') && existsSync(file)
      return {
        resolvedModule: found ? { resolvedFileName: file, extension: ts.Extension.Dts } : undefined,
      }
    })
  return ts.createProgram(entries, options, host)
}

/**
 * One line for each: `index.d.ts: Listed, of Jobs`. What an exported alias stands for is named by the alias, and members that are
 * inherited count like one's own.
 */
export function unnamedTypes(dist: string, entries: readonly string[]): readonly string[] {
  const files = entries.map((entry) => join(dist, entry))
  const program = programOf(files)
  const checker = program.getTypeChecker()
  const real = (symbol: ts.Symbol) =>
    (symbol.flags & ts.SymbolFlags.Alias) === 0 ? symbol : checker.getAliasedSymbol(symbol)
  /** The type of the package that this node names. */
  const declaredBy = (node: ts.Node): ts.Symbol | undefined => {
    const name = ts.isTypeReferenceNode(node) ? node.typeName : inherited(node)
    const found = name === undefined ? undefined : checker.getSymbolAtLocation(name)
    const symbol = found === undefined ? undefined : real(found)
    const isParameter = ((symbol?.flags ?? 0) & ts.SymbolFlags.TypeParameter) !== 0
    return isParameter || symbol?.declarations === undefined ? undefined : symbol
  }
  const exportsOf = (file: string): ReadonlySet<ts.Symbol> => {
    const source = program.getSourceFile(file)
    const module = source === undefined ? undefined : checker.getSymbolAtLocation(source)
    return new Set(module === undefined ? [] : checker.getExportsOfModule(module).map(real))
  }
  const everywhere = exportsOf(join(dist, 'index.d.ts'))

  return files.flatMap((file) => {
    const own = exportsOf(file)
    const unnamed = new Map<string, string>()
    const seen = new Set<ts.Symbol>()
    const isNamed = (symbol: ts.Symbol) => own.has(symbol) || everywhere.has(symbol)

    const look = (symbol: ts.Symbol, of: string): void => {
      if (seen.has(symbol)) return
      seen.add(symbol)
      for (const declaration of symbol.declarations ?? [])
        if (!ts.isTypeAliasDeclaration(declaration)) visit(declaration, of)
    }
    const visit = (node: ts.Node, of: string, isInherited = false): void => {
      const inherits = isInherited || ts.isExpressionWithTypeArguments(node)
      const target = declaredBy(node)
      if (target !== undefined && !isNamed(target)) {
        if (inherits) look(target, of)
        else unnamed.set(target.name, of)
      }
      ts.forEachChild(node, (child) => visit(child, of, inherits))
    }
    for (const symbol of own) look(symbol, symbol.name)
    return [...unnamed].map(([name, of]) => `${basename(file)}: ${name}, of ${of}`)
  })
}

const inherited = (node: ts.Node): ts.Identifier | undefined =>
  ts.isExpressionWithTypeArguments(node) && ts.isIdentifier(node.expression) ? node.expression : undefined
