/** The documents: valid for two independent tools, complete, and good enough to generate a typed client from. */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { Parser } from '@asyncapi/parser'
import { validate as validateWithReadme } from '@readme/openapi-parser'
import { Validator } from '@seriousme/openapi-schema-validator'
import openapiTS, { astToString } from 'openapi-typescript'
import ts from 'typescript'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { asyncApi, createHandler, openApi } from '../../src/http/index.ts'
import { routes } from '../../src/http/routes.ts'
import { createWebhooks, defineEvents } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import { quietLogger } from '../support/setup.ts'
import { api, events } from './setup.ts'

interface Node {
  value: string
  next?: Node | undefined
}
const node: z.ZodType<Node> = z.object({
  value: z.string(),
  get next() {
    return node.optional()
  },
})
const money = z.object({ amount: z.int(), currency: z.string() }).meta({ id: 'Money' })

/** A catalogue of what is hard to describe. */
const hard = defineEvents({
  'tree.grown': node,
  'order:paid': z.object({ total: money, tip: money.optional(), at: z.date() }),
  order_paid: z.object({ at: z.iso.datetime(), n: z.string().transform(Number), any: z.unknown() }),
  'old.format': z.union([z.object({ a: z.literal(1) }), z.array(z.string())]),
})
const catalogs = [
  ['plain', { catalog: events }],
  ['hard', { catalog: hard }],
  ['no', { catalog: null }],
] as const

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'posthorn-client-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('the OpenAPI document', () => {
  it.each(catalogs)(
    'of a %s catalogue is valid for @seriousme/openapi-schema-validator',
    async (_, webhooks) => {
      const result = await new Validator().validate(structuredClone(openApi(webhooks)))
      expect(result).toMatchObject({ valid: true })
    },
  )

  it.each(catalogs)('of a %s catalogue is valid for @readme/openapi-parser', async (_, webhooks) => {
    const result = await validateWithReadme(structuredClone(openApi(webhooks)) as never)
    expect(result).toMatchObject({ valid: true, warnings: [] })
  })

  it.each(catalogs)('of a %s catalogue has a target for every reference', (_, webhooks) => {
    for (const document of [openApi(webhooks), asyncApi(webhooks)]) {
      const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, to]) => to)
      const missing = references.filter((reference) => {
        const steps = reference?.slice(2).split('/') ?? []
        return steps.reduce<unknown>((at, step) => (at as never)?.[step], document) === undefined
      })
      expect(missing).toEqual([])
    }
  })

  it('is served, with every route and every event', async () => {
    const { call } = api({ basePath: '/hooks', title: 'Acme webhooks', version: '2.0.0' })
    const { body } = await call('GET', '/hooks/openapi.json', { as: 'read-only acme' })
    expect(body).toMatchObject({ openapi: '3.1.0', info: { title: 'Acme webhooks', version: '2.0.0' } })
    expect(body).toMatchObject({ servers: [{ url: '/hooks' }] })
    const described = Object.entries(body.paths ?? {}).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described.sort()).toEqual(routes.map(({ method, path }) => `${method} ${path}`).sort())
    expect(Object.keys(body.webhooks ?? {})).toEqual(['order.paid', 'order.refunded'])
  })

  it('names each operation once', () => {
    const names = routes.map(({ operationId }) => operationId)
    expect(new Set(names).size).toBe(names.length)
  })

  it('describes the bodies of an envelope of the host’s own', () => {
    const bodySchema = (type: string, data: object) => ({
      type: 'object',
      title: type,
      properties: { payload: data },
    })
    const document = openApi({ catalog: events }, { bodySchema })
    expect(document.components).toMatchObject({
      schemas: {
        'order.paid.body': { title: 'order.paid', properties: { payload: { $ref: expect.any(String) } } },
      },
    })
  })
})

describe('the AsyncAPI document', () => {
  it.each(catalogs)('of a %s catalogue is valid for @asyncapi/parser', async (_, webhooks) => {
    const diagnostics = await new Parser().validate(JSON.stringify(asyncApi(webhooks)))
    expect(diagnostics.filter(({ severity }) => severity === 0)).toEqual([])
  })

  it('is served', async () => {
    const { call } = api()
    expect((await call('GET', '/asyncapi.json')).body).toMatchObject({ asyncapi: '3.0.0' })
  })
})

const client = `
import createClient from 'openapi-fetch'
import type { paths, webhooks } from './schema.d.ts'

export type Paid = webhooks['order.paid']['post']['requestBody']['content']['application/json']
export const orderOf = (event: Paid): string => event.data.orderId

export async function use(fetch: (request: Request) => Promise<Response>) {
  const client = createClient<paths>({ baseUrl: 'http://api.test', fetch, headers: { 'x-caller': 'tenant acme' } })
  const created = await client.POST('/subscriptions', {
    body: { url: 'https://receiver.example/hook', events: ['order.*'], retry: { delaysMs: [1000], jitter: 0 } },
  })
  if (created.data === undefined) throw new Error(created.error.code)
  const { subscription, secret } = created.data
  const id: string = subscription.id
  const path = { params: { path: { id } } }
  const changed = await client.PATCH('/subscriptions/{id}', { ...path, body: { name: 'from a client' } })
  const listed = await client.GET('/subscriptions', { params: { query: { limit: 10, state: 'active' } } })
  const refused = await client.POST('/subscriptions', { body: { url: 'nowhere' } })
  const gone = await client.DELETE('/subscriptions/{id}', path)
  return {
    secret,
    name: changed.data?.name,
    names: listed.data?.items.map((item) => item.name),
    code: refused.error?.code,
    status: gone.response.status,
  }
}

export async function misuse(client: ReturnType<typeof createClient<paths>>) {
  // @ts-expect-error no such route
  await client.GET('/subscription')
  // @ts-expect-error no such state
  await client.GET('/subscriptions', { params: { query: { state: 'on' } } })
  // @ts-expect-error a subscription needs a URL
  await client.POST('/subscriptions', { body: { events: ['*'] } })
}
`

describe('a typed client', () => {
  it('is generated, compiles, refuses what is wrong, and works', async () => {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir')
    const ast = await openapiTS(openApi({ catalog: events }) as never)
    writeFileSync(join(folder, 'schema.d.ts'), astToString(ast))
    const file = join(folder, 'client.ts')
    writeFileSync(file, client)
    const program = ts.createProgram([file], {
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      types: [],
    })
    const problems = ts
      .getPreEmitDiagnostics(program)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
    expect(problems).toEqual([])
    const { outputText } = ts.transpileModule(client, { compilerOptions: { module: ts.ModuleKind.ESNext } })
    writeFileSync(join(folder, 'client.mjs'), outputText)
    const { use } = await import(pathToFileURL(join(folder, 'client.mjs')).href)
    const { handler } = api()
    expect(await use(handler)).toEqual({
      secret: expect.stringMatching(/^whsec_/),
      name: 'from a client',
      names: ['from a client'],
      code: 'INVALID_URL',
      status: 204,
    })
  }, 60_000)
})

describe('with a catalogue that has a name of ours', () => {
  it('keeps both apart', async () => {
    const own = defineEvents({
      x: z.object({ s: z.object({ mine: z.string() }).meta({ id: 'Subscription' }) }),
    })
    const webhooks = createWebhooks({ store: memoryStore(), events: own, logger: quietLogger })
    const handler = createHandler(webhooks, { authorize: () => ({ role: 'admin' }) })
    const document = await (await handler(new Request('http://api.test/openapi.json'))).json()
    expect(document.components.schemas.Subscription.properties.url).toEqual({ type: 'string' })
    expect(await new Validator().validate(document)).toMatchObject({ valid: true })
  })
})
