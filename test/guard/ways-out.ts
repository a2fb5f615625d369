/**
 * Reads a source file for everything by which it could reach the network or load what does: modules, globals, loaders.
 * What only names a type is none, nor is a name that the file has declared itself.
 */
import ts from 'typescript'

/** Modules that open no connection and load nothing else. Any other one, be it new or unknown, is a way out. */
const HARMLESS =
  /^(node:(async_hooks|buffer|crypto|events|fs|fs\/promises|os|path|perf_hooks|stream|url|util|assert|assert\/strict)|zod(\/v4)?|kysely|ipaddr\.js|p-retry)$/
/** Names that only listen: a receiver sends nothing. */
const LISTENS = new Set(['createServer', 'Server', 'IncomingMessage', 'ServerResponse'])
/** Globals that send, and properties that lead to modules past `import`. */
const GLOBALS = new Set(['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest', 'WebTransport', 'sendBeacon'])
const LOADERS = new Set([
  'require',
  'createRequire',
  'importScripts',
  'binding',
  'dlopen',
  'eval',
  'Function',
])
const ROOTS = new Set(['globalThis', 'self', 'window', 'global'])

/** What was found, each once, in byte order: modules by name, globals and loaders by theirs, `import(…)` for a name that is computed. */
export function waysOut(file: string, text: string): string[] {
  const found = new Set<string>()
  const see = (node: ts.Node): void => {
    if (isOnlyType(node)) return
    const way = wayOf(node)
    if (way !== null) found.add(way)
    node.forEachChild(see)
  }
  see(ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true))
  return [...found].sort()
}

function wayOf(node: ts.Node): string | null {
  const module = moduleOf(node)
  if (module !== undefined)
    return module !== null && ts.isStringLiteral(module) ? wayTo(node, module.text) : 'import(…)'
  if (ts.isElementAccessExpression(node) && isRoot(node.expression))
    return ts.isStringLiteralLike(node.argumentExpression) ? null : `${node.expression.getText()}[…]`
  // `Reflect.get(globalThis, 'fetch')`, `globalThis['fetch']`
  if (ts.isStringLiteralLike(node))
    return GLOBALS.has(node.text) || node.text === 'getBuiltinModule' ? node.text : null
  return ts.isIdentifier(node) ? wayOfName(node) : null
}

/** The module that a node loads; null where there is no telling, undefined where it loads none. */
function moduleOf(node: ts.Node): ts.Expression | null | undefined {
  if (ts.isImportDeclaration(node)) return node.moduleSpecifier
  if (ts.isExportDeclaration(node)) return node.moduleSpecifier
  if (ts.isExternalModuleReference(node)) return node.expression
  if (!ts.isCallExpression(node)) return undefined
  const { expression: called } = node
  const loads =
    called.kind === ts.SyntaxKind.ImportKeyword ||
    (ts.isIdentifier(called) && called.text === 'require') ||
    (ts.isPropertyAccessExpression(called) && called.name.text === 'require')
  return loads ? (node.arguments[0] ?? null) : undefined
}

function wayTo(node: ts.Node, module: string): string | null {
  if (/^\.{1,2}\//.test(module) || HARMLESS.test(module)) return null
  const clause = ts.isImportDeclaration(node) ? node.importClause : undefined
  const names = clause?.namedBindings
  if (clause?.name !== undefined || names === undefined || !ts.isNamedImports(names)) return module
  const listens = /^node:(https?|http2|net|tls)$/.test(module)
  const isNothing = (one: ts.ImportSpecifier) =>
    one.isTypeOnly || (listens && LISTENS.has((one.propertyName ?? one.name).text))
  return names.elements.length > 0 && names.elements.every(isNothing) ? null : module
}

function wayOfName(node: ts.Identifier): string | null {
  const { text, parent } = node
  if (text === 'getBuiltinModule') return builtinOf(node)
  const isProperty = ts.isPropertyAccessExpression(parent) && parent.name === node
  if (GLOBALS.has(text)) return isProperty || isTaken(node) || !(isNaming(node) || isOwn(node)) ? text : null
  if (!LOADERS.has(text)) return null
  // `Map.prototype.binding` is nobody's, `process.binding` is; a name of their own is a variable like others.
  if (isProperty)
    return /^(process|module|globalThis|self|window|global)\b/.test(parent.expression.getText()) ? text : null
  if (ts.isImportSpecifier(parent)) return text
  return isNaming(node) || isOwn(node) ? null : text
}

/** `getBuiltinModule('node:crypto')` says which one; anything else could be any. */
function builtinOf(node: ts.Identifier): string {
  const call = ts.isPropertyAccessExpression(node.parent) ? node.parent.parent : node.parent
  const [name] = ts.isCallExpression(call) ? call.arguments : []
  return name !== undefined && ts.isStringLiteral(name) ? `getBuiltinModule ${name.text}` : 'getBuiltinModule'
}

function isRoot(node: ts.Expression): boolean {
  return ts.isIdentifier(node) && ROOTS.has(node.text)
}

/** True where a name is given and not used: of a property, a method, a variable, a parameter, a label. */
function isNaming(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isShorthandPropertyAssignment(parent) || ts.isExportSpecifier(parent)) return false
  return 'name' in parent && parent.name === node && !ts.isPropertyAccessExpression(parent)
}

/** True where a name is taken out of an object, by which a global becomes an own name: `const { fetch } = globalThis`. */
function isTaken(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isBindingElement(parent) && ts.isObjectBindingPattern(parent.parent))
    return parent.propertyName === node || (parent.propertyName === undefined && parent.name === node)
  if (!ts.isPropertyAssignment(parent) && !ts.isShorthandPropertyAssignment(parent)) return false
  if (parent.name !== node) return false
  let whole: ts.Node = parent.parent
  while (!ts.isBinaryExpression(whole.parent) && !ts.isStatement(whole.parent)) whole = whole.parent
  const { parent: assignment } = whole
  return (
    ts.isBinaryExpression(assignment) &&
    assignment.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
    assignment.left === whole
  )
}

/** True where the name is declared by the file: as a parameter, a variable, a function, a class or an import. */
function isOwn({ text, parent }: ts.Identifier): boolean {
  for (let scope: ts.Node = parent; scope !== undefined; scope = scope.parent)
    if (declares(scope, text)) return true
  return false
}

function declares(scope: ts.Node, name: string): boolean {
  const named = (given: ts.Node | undefined): boolean => {
    if (given === undefined) return false
    if (ts.isIdentifier(given)) return given.text === name
    if (ts.isObjectBindingPattern(given) || ts.isArrayBindingPattern(given))
      return given.elements.some((one) => ts.isBindingElement(one) && named(one.name))
    return false
  }
  if (ts.isFunctionLike(scope)) return scope.parameters.some((parameter) => named(parameter.name))
  if (ts.isForStatement(scope) || ts.isForOfStatement(scope) || ts.isForInStatement(scope)) {
    const { initializer } = scope
    return (
      initializer !== undefined &&
      ts.isVariableDeclarationList(initializer) &&
      initializer.declarations.some((one) => named(one.name))
    )
  }
  if (!ts.isBlock(scope) && !ts.isSourceFile(scope)) return false
  return scope.statements.some((statement) => {
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.some((one) => named(one.name))
    if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) return named(statement.name)
    if (!ts.isImportDeclaration(statement)) return false
    const { name: whole, namedBindings: names } = statement.importClause ?? {}
    if (named(whole)) return true
    if (names === undefined) return false
    return ts.isNamedImports(names) ? names.elements.some((one) => named(one.name)) : named(names.name)
  })
}

function isOnlyType(node: ts.Node): boolean {
  if (ts.isExpressionWithTypeArguments(node)) return false
  if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return true
  if (ts.isImportDeclaration(node)) return node.importClause?.isTypeOnly === true
  return ts.isExportDeclaration(node) && node.isTypeOnly
}
