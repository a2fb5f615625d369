/**
 * Test 64 of the reliability catalogue, over the surfaces: what the HTTP API answers, what statistics, health, jobs and notices
 * say, and what errors have behind them, while secrets, header values, tokens in URLs and a database's password go through.
 */
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import mysql from 'mysql2/promise'
import pg from 'pg'
import postgres from 'postgres'
import { expect, it, onTestFinished } from 'vitest'
import { createHandler } from '../src/http/index.ts'
import { anyTenant, createWebhooks, type Store } from '../src/index.ts'
import { mysqlStore } from '../src/stores/mysql.ts'
import { postgresStore } from '../src/stores/postgres.ts'
import { mysqlServer } from './support/databases/mysql.ts'
import { postgresServer } from './support/databases/postgres.ts'
import { quietLogger, setup } from './support/setup.ts'

let count = 0
/** An obviously fake text that looks like nothing else; the same in each run. */
const canary = () => `fake${createHash('sha256').update(`surface ${count++}`).digest('hex').slice(0, 40)}`

/** Everything of a value: hidden properties, getters, every cause. */
const flat = (value: unknown): string =>
  inspect(value, { depth: 20, showHidden: true, getters: true, maxArrayLength: null, maxStringLength: null })

it('no answer of the HTTP API, no figure, job or notice has what was secret', async () => {
  const said: unknown[] = []
  const hook = (report: unknown) => said.push(report)
  let status = 500
  const { webhooks, clock, transport } = setup({
    answer: () => status,
    retry: { delaysMs: [1_000], jitter: 0 },
    notices: { eventType: 'posthorn.notice' },
    hooks: { subscriptionChanged: hook, attempted: hook, ended: hook, noticed: hook, problem: hook },
    logger: { debug: hook, info: hook, warn: hook, error: hook },
  })
  const handler = createHandler(webhooks, {
    authorize: () => ({ role: 'admin', tenantId: 'acme' }),
    clock,
    onError: hook,
  })
  const secrets: string[] = []
  const fresh = () => {
    const made = canary()
    secrets.push(made)
    return made
  }
  const answers: string[] = []
  const call = async (method: string, path: string, json?: unknown) => {
    const request = new Request(`http://api.test${path}`, {
      method,
      ...(json === undefined
        ? {}
        : { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } }),
    })
    const response = await handler(request)
    const text = await response.text()
    return { status: response.status, text, body: text === '' ? {} : JSON.parse(text) }
  }
  const kept = async (...given: Parameters<typeof call>) => answers.push((await call(...given)).text)

  const secret = `whsec_${btoa(fresh().slice(0, 32))}`
  secrets.push(secret)
  const headers = { authorization: `Bearer ${fresh()}`, 'x-key': fresh() }
  const token = canary()
  const made = await call('POST', '/subscriptions', {
    url: `https://receiver.example/hook?token=${token}`,
    ...{ secret, headers },
  })
  expect(made.status).toBe(201)
  const { id } = made.body.subscription
  await kept('PATCH', `/subscriptions/${id}`, { headers: { ...headers, 'x-more': fresh() } })
  await kept('PATCH', `/subscriptions/${id}`, { headers: { host: fresh() } })
  await kept('PATCH', `/subscriptions/${id}`, { headers: { 'x-a': `${fresh()}\n` } })
  await kept('PATCH', `/subscriptions/${id}`, { secret: `\0${fresh()}` })
  await kept('POST', '/subscriptions', { url: 'https://receiver.example', secret: `no base64 ${fresh()}` })
  const rotated = await call('POST', `/subscriptions/${id}/rotate-secret`, {})
  if (rotated.status === 200) secrets.push(rotated.body.secret)
  const to = { url: `https://once.example/?t=${fresh()}`, secret, headers: { 'x-key': fresh() } }
  await webhooks.publish('a', {}, { tenantId: 'acme', to })
  for (let n = 0; n < 8; n++) await webhooks.publish('a', { n }, { tenantId: 'acme' })
  await webhooks.drain()
  await clock.advance(60_000)
  await webhooks.drain()
  status = 204
  const job = await webhooks.deliveries.retryAll({ tenantId: 'acme', subscription: id, since: new Date(0) })
  await webhooks.drain()
  const scope = { tenantId: anyTenant, limit: 1000 } as const
  const reads: unknown[] = [
    await webhooks.stats({ tenant: 'acme' } as never),
    await webhooks.health(),
    await webhooks.jobs.get(job.jobId, { tenantId: 'acme' }),
    await webhooks.jobs.list(scope),
    await webhooks.deliveries.list(scope),
    await webhooks.attempts.list(scope),
  ]
  for (const path of [
    '/subscriptions',
    `/subscriptions/${id}`,
    '/deliveries',
    '/attempts',
    '/events',
    '/stats',
  ])
    await kept('GET', path)
  await kept('GET', `/jobs/${job.jobId}`)
  const waiting = await webhooks.deliveries.retryAll({ tenantId: 'acme', type: 'a' })
  await kept('POST', `/jobs/${waiting.jobId}/stop`)
  await kept('GET', '/jobs')
  await kept('POST', `/subscriptions/${id}/test`, {})

  expect(transport.requests.length).toBeGreaterThan(8)
  expect(said.length).toBeGreaterThan(10)
  const places = { answers: flat(answers), said: flat(said), reads: flat(reads) }
  const found = Object.entries(places).flatMap(([place, text]) =>
    secrets.filter((one) => text.includes(one)).map((one) => `${place}: ${one}`),
  )
  expect(found).toEqual([])
  // The query is the subscription's own to show; reports, notices, attempts, jobs, statistics and log lines leave it out.
  const notices = transport.requests.map((request) => new TextDecoder().decode(request.body))
  expect(notices.join()).toContain('"url":"https://receiver.example/hook?…"')
  expect(flat(said)).toContain("url: 'https://receiver.example/hook?…'")
  for (const place of [reads, said, notices]) expect(flat(place)).not.toContain(token)
  expect(flat(answers)).toContain(token)
})

it('no error has the password of the database behind it', async () => {
  const { url } = await postgresServer()
  const password = canary()
  const bad = new URL(url)
  bad.password = password
  bad.username = `nobody${count}`
  const nowhere = new URL(bad)
  nowhere.port = '1'
  const ends: (() => Promise<unknown>)[] = []
  const stores: Store<never>[] = []
  for (const { href } of [bad, nowhere]) {
    const pool = new pg.Pool({ connectionString: href, max: 1 })
    const sql = postgres(href, { max: 1, onnotice() {}, connect_timeout: 2 })
    ends.push(
      () => pool.end(),
      () => sql.end({ timeout: 1 }),
    )
    stores.push(
      postgresStore({ client: pool }) as Store<never>,
      postgresStore({ client: sql }) as Store<never>,
    )
  }
  const server = await mysqlServer()
  if (server !== null) {
    const other = new URL(server.url)
    other.username = 'nobody'
    other.password = password
    const pool = mysql.createPool({ uri: other.href, connectionLimit: 1 })
    ends.push(() => pool.end())
    stores.push(mysqlStore({ client: pool }) as Store<never>)
  }
  onTestFinished(async () => {
    for (const end of ends) await end()
  })
  const said: unknown[] = []
  for (const store of stores) {
    const hooks = { problem: (report: unknown) => said.push(report) }
    const webhooks = createWebhooks({ store, hooks, logger: quietLogger })
    for (const work of [
      () => webhooks.publish('a', {}, { tenantId: 'acme' }),
      () => webhooks.start(),
      () => webhooks.subscriptions.list({ tenantId: 'acme' }),
    ]) {
      const error: unknown = await work().catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(Error)
      said.push(error)
    }
    said.push(await webhooks.health())
    await webhooks.stop()
  }
  expect(said.length).toBeGreaterThan(15)
  expect(flat(said)).not.toContain(password)
})

it('would find them: what is secret is on the wire', async () => {
  const made = setup()
  const token = canary()
  await made.subscribe('acme', { headers: { authorization: token } })
  await made.webhooks.publish('a', {}, { tenantId: 'acme' })
  await made.webhooks.drain()
  expect(flat(made.transport.requests)).toContain(token)
})
