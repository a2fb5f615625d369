/** A misspelt option of any factory is refused with the name that was meant: ignored, it would leave the default in force. */
import { expect, it } from 'vitest'
import { addressGuard } from '../src/guard.ts'
import { asyncApi, createHandler, openApi } from '../src/http/index.ts'
import {
  createWebhooks,
  ed25519,
  exponential,
  hmac,
  kyTransport,
  schedule,
  sealedSecrets,
  standardWebhooks,
  undiciTransport,
  unsigned,
} from '../src/index.ts'
import { drizzleStore } from '../src/stores/drizzle.ts'
import { knexStore } from '../src/stores/knex.ts'
import { kyselyStore } from '../src/stores/kysely.ts'
import { memoryStore } from '../src/stores/memory.ts'
import { mysqlStore } from '../src/stores/mysql.ts'
import { postgresStore } from '../src/stores/postgres.ts'
import { prismaStore } from '../src/stores/prisma.ts'
import { sqliteStore } from '../src/stores/sqlite.ts'
import { receiver } from '../src/testing/index.ts'

/** Calls a factory in a way that its types forbid. */
const wrongly = (factory: unknown, ...given: unknown[]) =>
  (factory as (...all: unknown[]) => unknown)(...given)

/** Awaited, as one of them rejects. */
async function refusalOf(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return error
  }
  return 'was not refused'
}

class Pool {
  readonly totalCount = 0
}

it.each<[string, () => unknown, string, string]>([
  ['postgresStore', () => wrongly(postgresStore, { clinet: {} }), 'clinet', 'client'],
  ['postgresStore', () => wrongly(postgresStore, { client: {}, prefix: 'hooks_', shema: 'x' }), 'prefix', ''],
  ['mysqlStore', () => wrongly(mysqlStore, { client: {}, prefx: 'hooks_' }), 'prefx', 'prefix'],
  [
    'sqliteStore',
    () => wrongly(sqliteStore, { client: {}, queryTimeout: 1 }),
    'queryTimeout',
    'queryTimeoutMs',
  ],
  ['memoryStore', () => wrongly(memoryStore, { clok: {} }), 'clok', 'clock'],
  ['drizzleStore', () => wrongly(drizzleStore, {}, { shema: 'x' }), 'shema', 'schema'],
  ['kyselyStore', () => wrongly(kyselyStore, {}, { shema: 'x' }), 'shema', 'schema'],
  ['knexStore', () => wrongly(knexStore, {}, { lisen: true }), 'lisen', 'listen'],
  ['prismaStore', () => wrongly(prismaStore, {}, { provder: 'mysql' }), 'provder', 'provider'],
  ['undiciTransport', () => wrongly(undiciTransport, { prxoy: 'http://p' }), 'prxoy', 'proxy'],
  ['kyTransport', () => wrongly(kyTransport, { usrAgent: 'x' }), 'usrAgent', 'userAgent'],
  ['sealedSecrets', () => wrongly(sealedSecrets, { kyes: [] }), 'kyes', 'keys'],
  ['addressGuard', () => wrongly(addressGuard, { allowHtp: true }), 'allowHtp', 'allowHttp'],
  ['createHandler', () => wrongly(createHandler, {}, { authorize() {}, titel: 'x' }), 'titel', ''],
  ['openApi', () => wrongly(openApi, { catalog: null }, { titel: 'x' }), 'titel', ''],
  ['asyncApi', () => wrongly(asyncApi, { catalog: null }, { titel: 'x' }), 'titel', ''],
  ['createWebhooks', () => wrongly(createWebhooks, { stroe: memoryStore() }), 'stroe', 'store'],
  ['schedule', () => wrongly(schedule, ['5s'], { jiter: 0 }), 'options.jiter', 'jitter'],
  ['exponential', () => wrongly(exponential, { frist: '5s', retries: 1 }), 'options.frist', 'first'],
  ['receiver', () => wrongly(receiver, { secrt: 'whsec_fake' }), 'secrt', 'secret'],
])('%s', async (_name, call, path, meant) => {
  const error = await refusalOf(call)
  expect(error).toMatchObject({ name: 'PosthornError', code: 'INVALID_OPTION', path })
  if (meant !== '')
    expect(String(error).toLowerCase()).toMatch(new RegExp(`did you mean ["\`]${meant.toLowerCase()}["\`]`))
})

it.each<[string, () => unknown]>([
  ['hmac', () => wrongly(hmac, { heder: 'x-signature' })],
  ['unsigned', () => wrongly(unsigned, { heder: 'x-signature' })],
  ['standardWebhooks', () => wrongly(standardWebhooks, { heder: 'x-signature' })],
  ['ed25519', () => wrongly(ed25519, { heder: 'x-signature' })],
])('%s says which there are', async (_name, call) => {
  const error = await refusalOf(call)
  expect(error).toMatchObject({ name: 'SigningError', code: 'scheme-invalid' })
  expect(String(error)).toMatch(/"heder" \(known: .+\)/)
})

it.each<[string, () => unknown, string]>([
  ['a pool', () => wrongly(postgresStore, new Pool()), 'postgresStore({ client })'],
  ['a function', () => wrongly(postgresStore, () => {}), 'postgresStore({ client })'],
  ['nothing', () => wrongly(mysqlStore), 'mysqlStore({ client })'],
  ['a list', () => wrongly(sealedSecrets, ['key']), 'sealedSecrets({ keys })'],
])('%s in place of the options is told how to call it', async (_name, call, example) => {
  const error = await refusalOf(call)
  expect(error).toMatchObject({ code: 'INVALID_OPTION', message: expect.stringContaining(example) })
})

it('options may come from anywhere, as long as they are plain', () => {
  expect(() => memoryStore(Object.create(null))).not.toThrow()
  expect(() => undiciTransport(structuredClone({ idleMs: 1 }))).not.toThrow()
})
