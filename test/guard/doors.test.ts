/** Every way out: the public calls that take a URL, rows written past them, and the source itself. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { setup } from '../support/setup.ts'
import { corpusCases } from './cases.ts'

/** Denied without a look-up, by the policy of `createWebhooks` with `allowHttp`. */
const denied = corpusCases.filter(
  ({ allowed, resolves, options }) => !allowed && resolves === undefined && Object.keys(options).length === 1,
)

describe('every door', () => {
  it.each(denied.map(({ id, url }) => [id, url] as const))('%s: refuses %j', async (_id, url) => {
    const { webhooks, subscribe, store, transport } = setup({ allowHttp: true })
    const scope = { tenantId: 'acme' }
    const refused = { code: 'INVALID_URL' }
    await expect(subscribe('acme', { url })).rejects.toMatchObject(refused)
    const { subscription } = await subscribe()
    await expect(webhooks.subscriptions.update(subscription.id, { url }, scope)).rejects.toMatchObject(
      refused,
    )
    await expect(webhooks.publish('a', {}, { ...scope, to: { url } })).rejects.toMatchObject(refused)
    expect((await webhooks.events.list(scope)).items).toEqual([])

    await store.updateSubscription('acme', subscription.id, { url }, {})
    await webhooks.publish('a', {}, scope)
    await webhooks.subscriptions.test(subscription.id, scope)
    await webhooks.drain()
    const { items } = await webhooks.deliveries.list(scope)
    for (const { id } of items) await webhooks.deliveries.redeliver(id, scope)
    await webhooks.drain()
    const attempts = (await webhooks.attempts.list(scope)).items
    expect(attempts.length).toBeGreaterThanOrEqual(4)
    for (const attempt of attempts) {
      expect(attempt).toMatchObject({
        failure: 'blocked',
        message: 'The target of this request is not allowed.',
        status: null,
        excerpt: null,
        mayHaveBeenReceived: false,
      })
    }
    expect(transport.requests).toEqual([])
  })

  it('says at create which option would allow localhost', async () => {
    const { subscribe } = setup({ allowHttp: true })
    const refused = subscribe('acme', { url: 'http://localhost:3000/' })
    await expect(refused).rejects.toThrow("allowHosts: ['localhost']")
    await expect(subscribe('acme', { url: 'http://127.0.0.1:3000/' })).rejects.toThrow('allowCidrs')
  })
})

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The only files that may open a connection or look a name up. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'src/transports/connection.ts': ['undici'],
  'src/transports/connector.ts': ['undici'],
  'src/transports/proxy-connector.ts': ['undici'],
  'src/transports/proxy-tunnel.ts': ['node:net', 'node:tls'],
  'src/dns/resolve.ts': ['node:dns'],
  'src/transports/fetch-sender.ts': ['fetch()'],
  'src/transports/ky.ts': ['ky'],
}
/** Names that only listen: a receiver sends nothing. */
const LISTENS = new Set(['createServer', 'Server', 'IncomingMessage', 'ServerResponse'])
const NETWORK = /^(node:)?(https?|http2|net|tls|dgram|dns|dns\/promises|undici|ky|axios|got|ws|node-fetch)$/

function waysOut(file: string, text = readFileSync(join(root, file), 'utf8')): string[] {
  const found = new Set<string>()
  const see = (node: ts.Node): void => {
    const module =
      (ts.isImportDeclaration(node) && !node.importClause?.isTypeOnly && node.moduleSpecifier) ||
      (ts.isExportDeclaration(node) && !node.isTypeOnly && node.moduleSpecifier) ||
      (ts.isCallExpression(node) &&
        node.expression.kind === ts.SyntaxKind.ImportKeyword &&
        node.arguments[0]) ||
      (ts.isCallExpression(node) && node.expression.getText() === 'require' && node.arguments[0])
    if (module && ts.isStringLiteral(module) && NETWORK.test(module.text)) {
      const clause = ts.isImportDeclaration(node) ? node.importClause?.namedBindings : undefined
      const onlyTypes =
        clause &&
        ts.isNamedImports(clause) &&
        clause.elements.every((one) => one.isTypeOnly || LISTENS.has(one.name.text))
      const hasDefault = ts.isImportDeclaration(node) && node.importClause?.name !== undefined
      if (!onlyTypes || hasDefault) found.add(module.text)
    }
    if (
      ts.isCallExpression(node) &&
      /^(globalThis\.)?(fetch|WebSocket|EventSource)$/.test(node.expression.getText())
    )
      found.add('fetch()')
    if (
      ts.isNewExpression(node) &&
      /^(globalThis\.)?(WebSocket|EventSource|XMLHttpRequest)$/.test(node.expression.getText())
    )
      found.add(node.expression.getText())
    node.forEachChild(see)
  }
  see(ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true))
  return [...found].sort()
}

describe('the source', () => {
  it('opens connections in the transports alone', () => {
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    const found = Object.fromEntries(
      files
        .filter((file) => file.endsWith('.ts'))
        .map((file) => [`src/${file.replaceAll('\\', '/')}`, waysOut(`src/${file}`)] as const)
        .filter(([file, ways]) => ways.some((way) => !ALLOWED[file]?.includes(way))),
    )
    expect(found).toEqual({})
  })

  it('is searched for every way out', () => {
    const code = `import http from 'node:http'; import { type Socket, createServer } from 'node:net'; import type x from 'node:tls'
      await import('undici'); fetch('x'); globalThis.fetch('y'); new WebSocket('z')`
    expect(waysOut('src/x.ts', code)).toEqual(['WebSocket', 'fetch()', 'node:http', 'undici'])
  })
})
