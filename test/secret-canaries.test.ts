/**
 * Test 64 of the reliability catalogue: unique tokens as secrets, header values, URL queries and passwords go through
 * the whole library on a database file, and then everything that it said or kept is searched for them.
 */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { inspect } from 'node:util'
import { expect, it, onTestFinished } from 'vitest'
import { anyTenant, createWebhooks, ed25519, hmac, sealedSecrets, standardWebhooks } from '../src/index.ts'
import { sqliteStore } from '../src/stores/sqlite.ts'
import { fakeTransport } from '../src/testing/fake-transport.ts'
import { manualClock } from '../src/testing/manual-clock.ts'
import { createSqliteFile, sqliteDrivers } from './support/databases/sqlite.ts'

/** Obviously fake tokens that look like nothing else; the same in each run. */
const tokens = (length: number, kind: string) =>
  Array.from({ length }, (_, index) => {
    const digest = createHash('sha256').update(`${kind} ${index}`).digest('hex')
    return `fake${digest.slice(0, 40)}`
  })
const canaries = tokens(64, 'canary')
/** Tokens in the URLs of subscriptions: the database has them, and reading a subscription shows them, but nothing else does. */
const queries = tokens(8, 'query')
let next = 0
const canary = () => canaries[next++ % canaries.length] ?? ''

/** Everything that was handed out, flat: nothing of an error or a nested value stays hidden. */
const flat = (value: unknown) => inspect(value, { depth: 20, maxArrayLength: null, maxStringLength: null })

async function attempt(work: () => unknown, errors: unknown[]): Promise<void> {
  try {
    await work()
  } catch (error) {
    errors.push(error)
  }
}

it('nothing that was secret is in a log, a hook, an error, a list or the database file', async () => {
  const file = await createSqliteFile()
  onTestFinished(() => file.remove())
  const client = sqliteDrivers['better-sqlite3'](file.path)
  const clock = manualClock()
  const store = sqliteStore({ client, clock })
  const said: { logs: unknown[]; hooks: unknown[]; errors: unknown[]; reads: unknown[] } = {
    logs: [],
    hooks: [],
    errors: [],
    reads: [],
  }
  const log = (...line: unknown[]) => said.logs.push(line)
  const hook = (report: unknown) => said.hooks.push(report)
  const hooks = {
    ...{ published: hook, attempted: hook, ended: hook },
    ...{ subscriptionChanged: hook, noticed: hook, problem: hook },
  }
  let answers = 0
  const transport = fakeTransport(() => [{ status: 500, body: 'no' }, { status: 204 }][answers++ % 2] ?? 204)
  const common = {
    ...{ store, clock, transport, hooks, random: () => 0, retry: { delaysMs: [0, 0], jitter: 0 } },
    logger: { debug: log, info: log, warn: log, error: log },
    signing: [{ scheme: hmac({ header: 'x-signature' }) }, { scheme: ed25519() }],
  }
  const sealing = (byte: number) => sealedSecrets({ keys: [new Uint8Array(32).fill(byte)] })
  const webhooks = createWebhooks({ ...common, secrets: sealing(1) })
  await webhooks.migrate()

  const issued: string[] = []
  for (const [index, query] of queries.entries()) {
    const own = { tenantId: `t${index % 2}` }
    const headers = { authorization: `Bearer ${canary()}`, 'x-api-key': canary() }
    const url = `https://receiver.example/hook?token=${query}`
    const { subscription, secrets } = await webhooks.subscriptions.create({
      ...own,
      url,
      headers,
      secret: canary(),
    })
    issued.push(...secrets.map(({ secret }) => secret))
    const rotated = await webhooks.subscriptions.rotateSecret(subscription.id, { ...own, secret: canary() })
    issued.push(rotated.secret)
    await webhooks.subscriptions.update(subscription.id, { headers: { 'x-api-key': canary() } }, own)
    const to = {
      url: `https://once.example/?token=${canary()}`,
      secret: canary(),
      headers: { 'x-key': canary() },
    }
    await webhooks.publish('a', { index }, { ...own, to })
    await webhooks.publish('a', { index }, own)
    const bad = `${canary()} ${canary()}`
    const { subscriptions } = webhooks
    await attempt(() => subscriptions.create({ ...own, url, secret: `whsk_${bad}` }), said.errors)
    await attempt(
      () => subscriptions.create({ ...own, url, signing: standardWebhooks(), secret: bad }),
      said.errors,
    )
    await attempt(() => subscriptions.create({ ...own, url, headers: { 'x-key': `${bad}\n` } }), said.errors)
    await attempt(() => subscriptions.create({ ...own, url, headers: { host: bad } }), said.errors)
    await attempt(
      () => subscriptions.rotateSecret(subscription.id, { ...own, secret: `\0${bad}` }),
      said.errors,
    )
    await attempt(() => webhooks.publish('a', {}, { ...own, to: { url, secret: `\0${bad}` } }), said.errors)
    for (const refused of [`http://10.0.0.1/?t=${bad}`, `https://u:${bad}@once.example`, `/${bad}`]) {
      await attempt(() => subscriptions.create({ ...own, url: refused }), said.errors)
      await attempt(() => subscriptions.update(subscription.id, { url: refused }, own), said.errors)
      await attempt(() => webhooks.publish('a', {}, { ...own, to: { url: refused } }), said.errors)
    }
    await attempt(() => createWebhooks({ ...common, secrets: sealedSecrets({ keys: [bad] }) }), said.errors)
  }
  await webhooks.drain()
  const lost = createWebhooks({ ...common, secrets: sealing(2) })
  await lost.publish('a', {}, { tenantId: 't0' })
  await lost.drain()
  await lost.resealSecrets()
  await webhooks.resealSecrets()

  const owners: unknown[] = []
  for (const sender of [webhooks, lost]) {
    const all = { tenantId: anyTenant, limit: 1000 } as const
    owners.push(await sender.subscriptions.list(all))
    said.reads.push(
      await sender.deliveries.list(all),
      await sender.attempts.list(all),
      await sender.events.list(all),
    )
  }
  await webhooks.stop()
  await lost.stop()
  client.close()

  expect(next).toBeGreaterThan(canaries.length)
  expect(transport.requests.length).toBeGreaterThan(30)
  expect(said.errors).toHaveLength(56 + 8 * 9)
  expect(said.hooks.length).toBeGreaterThan(60)
  const folder = dirname(file.path)
  const dump = await Promise.all(
    (await readdir(folder)).map((name) => readFile(`${folder}/${name}`, 'latin1')),
  )
  expect(dump.join()).toContain('posthorn-sealed.')
  const found = (all: Readonly<Record<string, unknown>>, secrets: readonly string[]) =>
    Object.entries(all).flatMap(([place, what]) => {
      const text = flat(what)
      return secrets.filter((secret) => text.includes(secret)).map((secret) => `${place}: ${secret}`)
    })
  const secret = [...canaries, ...issued]
  expect(found({ owners, dump }, secret)).toEqual([])
  expect(found({ ...said }, [...secret, ...queries])).toEqual([])
  expect(found({ owners }, queries)).toHaveLength(queries.length)
})

it('would find them: the requests on the wire hold the header values', async () => {
  const transport = fakeTransport()
  const clock = manualClock()
  const file = await createSqliteFile()
  onTestFinished(() => file.remove())
  const client = sqliteDrivers['better-sqlite3'](file.path)
  const logger = { debug() {}, info() {}, warn() {}, error() {} }
  const webhooks = createWebhooks({ store: sqliteStore({ client, clock }), clock, transport, logger })
  await webhooks.migrate()
  const [token = ''] = canaries
  const own = { tenantId: 'acme' }
  const headers = { authorization: token }
  await webhooks.subscriptions.create({ ...own, url: 'https://receiver.example', headers })
  await webhooks.publish('a', {}, own)
  await webhooks.drain()
  await webhooks.stop()
  client.close()
  expect(flat(transport.requests)).toContain(token)
  const folder = dirname(file.path)
  const dump = await Promise.all(
    (await readdir(folder)).map((name) => readFile(`${folder}/${name}`, 'latin1')),
  )
  expect(dump.join()).toContain(token)
})
