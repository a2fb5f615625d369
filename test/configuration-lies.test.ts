/** Test 76: settings that contradict each other or themselves are refused when the sender is made, with a sentence that names them. */
import { DatabaseSync } from '@photostructure/sqlite'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { policyOf } from '../src/delivery/policy.ts'
import { retentionOf } from '../src/delivery/retention.ts'
import { createWebhooks, exponential, schedule, sealedSecrets } from '../src/index.ts'
import { memoryStore } from '../src/stores/memory.ts'
import { postgresStore } from '../src/stores/postgres.ts'
import { sqliteStore } from '../src/stores/sqlite.ts'
import { fakeTransport } from '../src/testing/fake-transport.ts'

const MINUTE = 60_000
const DAY = 86_400_000
const client = new DatabaseSync(':memory:')
const pool = (max: number) => new pg.Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/none', max })

function refusalOf(make: () => unknown): { code?: string; message: string } {
  try {
    make()
  } catch (error) {
    return error as Error
  }
  return { message: 'nothing was refused' }
}

/** Options, and what the sentence has to say: both names, both values. */
const CONTRADICTIONS: readonly (readonly [options: object, told: readonly string[]])[] = [
  [
    { concurrency: 5, concurrencyPerSubscription: 6 },
    ['concurrencyPerSubscription', '(6)', 'concurrency', '(5)'],
  ],
  [{ concurrency: 5, concurrencyPerOrigin: 6 }, ['concurrencyPerOrigin', '(6)', 'concurrency', '(5)']],
  [{ concurrencyPerOrigin: 513 }, ['concurrencyPerOrigin', '(513)', 'concurrency', '(512)']],
  [{ timeoutMs: 20_000, maxAgeMs: 10_000 }, ['maxAgeMs', '(10000)', 'timeoutMs', '(20000)']],
  [{ maxAgeMs: 14_999 }, ['maxAgeMs', '(14999)', 'timeoutMs', '(15000)']],
  [{ userAgent: 'Shop/1', transport: fakeTransport() }, ['userAgent', 'Shop/1', 'transport']],
  [{ proxy: 'http://proxy.example:3128', transport: fakeTransport() }, ['proxy', 'transport']],
  [
    { breaker: { firstProbeMs: 2_000, maxProbeMs: 1_000 } },
    ['firstProbeMs', '(2000)', 'maxProbeMs', '(1000)'],
  ],
  [{ breaker: { firstProbeMs: 7_200_000 } }, ['firstProbeMs', '(7200000)', 'maxProbeMs', '(3600000)']],
  [{ breaker: { maxProbeMs: 20_000 } }, ['firstProbeMs', '(30000)', 'maxProbeMs', '(20000)']],
  [{ breaker: { spanMs: 20_000, windowMs: 15_000 } }, ['spanMs', '(20000)', 'windowMs', '(15000)']],
  [{ breaker: { windowMs: 5_000 } }, ['spanMs', '(10000)', 'windowMs', '(5000)']],
  [{ breaker: { spanMs: DAY } }, ['spanMs', '(86400000)', 'windowMs', '(300000)']],
  [
    { retention: { finishedMs: DAY, bodiesMs: 2 * DAY } },
    ['bodiesMs', `(${2 * DAY})`, 'finishedMs', `(${DAY})`],
  ],
  [{ retention: { finishedMs: DAY, keysMs: 2 * DAY } }, ['keysMs', `(${2 * DAY})`, 'finishedMs', `(${DAY})`]],
  [{ retention: { keysMs: 31 * DAY } }, ['keysMs', `(${31 * DAY})`, 'finishedMs', `(${30 * DAY})`]],
]

/** Values that an option cannot have, and the option that the sentence has to name. */
const IMPOSSIBLE: readonly (readonly [options: object, named: string])[] = [
  [{ concurrency: 0 }, 'concurrency'],
  [{ concurrency: -1 }, 'concurrency'],
  [{ concurrency: 2.5 }, 'concurrency'],
  [{ concurrency: Number.POSITIVE_INFINITY }, 'concurrency'],
  [{ concurrency: 100_001 }, 'concurrency'],
  [{ concurrencyPerSubscription: 0 }, 'concurrencyPerSubscription'],
  [{ concurrencyPerOrigin: 0 }, 'concurrencyPerOrigin'],
  [{ timeoutMs: 0 }, 'timeoutMs'],
  [{ timeoutMs: 499 }, 'timeoutMs'],
  [{ timeoutMs: 30_001 }, 'timeoutMs'],
  [{ timeoutMs: Number.NaN }, 'timeoutMs'],
  [{ timeoutMs: '15000' }, 'timeoutMs'],
  [{ leaseMs: 1_000 }, 'leaseMs'],
  [{ tiemoutMs: 1_000 }, 'timeoutMs'],
  [{ maxAgeMs: 999 }, 'maxAgeMs'],
  [{ maxAgeMs: 91 * DAY }, 'maxAgeMs'],
  [{ maxBodyBytes: 0 }, 'maxBodyBytes'],
  [{ maxBodyBytes: 1_048_577 }, 'maxBodyBytes'],
  [{ maxSubscriptionsPerTenant: 0 }, 'maxSubscriptionsPerTenant'],
  [{ buckets: { from: 10, to: 9 } }, 'buckets'],
  [{ buckets: { from: 0, to: 256 } }, 'buckets.to'],
  [{ buckets: { from: -1, to: 5 } }, 'buckets.from'],
  [{ buckets: { from: 5 } }, 'buckets.to'],
  [{ retention: { finishedMs: 0 } }, 'retention.finishedMs'],
  [{ retention: { finishedMs: MINUTE - 1 } }, 'retention.finishedMs'],
  [{ retention: { days: 3 } }, 'retention.days'],
  [{ retention: true }, 'retention'],
  [{ breaker: { failures: 0 } }, 'breaker.failures'],
  [{ breaker: { failureShare: 0 } }, 'breaker.failureShare'],
  [{ breaker: { failureShare: 1.1 } }, 'breaker.failureShare'],
  [{ breaker: { windowMs: 0 } }, 'breaker.windowMs'],
  [{ breaker: { releasePerSecond: 0 } }, 'breaker.releasePerSecond'],
  [{ breaker: { failure: 5 } }, 'breaker.failure'],
  [{ disableAfter: { spanMs: 0 } }, 'disableAfter.spanMs'],
  [{ disableAfter: { attempts: 0 } }, 'disableAfter.attempts'],
  [{ tenantLimits: { concurrency: 0 } }, 'tenantLimits'],
  [{ tenantLimits: new Map() }, 'tenantLimits'],
  [{ tenantLimits: [] }, 'tenantLimits'],
  [{ tenantLimits: Promise.resolve({ concurrency: 1 }) }, 'tenantLimits'],
  [{ tenantLimits: { rate: { count: 0, perMs: 1_000 } } }, 'tenantLimits'],
  [{ throttle: 'everything' }, 'throttle'],
  [{ gone: 'forget' }, 'gone'],
  [{ notices: { eventType: 'two words' } }, 'notices.eventType'],
  [{ verifyEndpoint: true }, 'verifyEndpoint'],
  [{ verifyOrigin: 'https://shop.example' }, 'verifyOrigin'],
  [{ validate: 'sometimes' }, 'validate'],
  [{ signing: [] }, 'signing'],
  [{ signing: { spec: { scheme: 'rot13' } } }, 'signing'],
  [{ retry: { delaysMs: [-1], jitter: 0 } }, 'retry.delaysMs[0]'],
  [{ retry: { delaysMs: [1], jitter: 2 } }, 'retry.jitter'],
  [{ userAgent: 'two\nlines' }, 'userAgent'],
  [{ proxy: 'ftp://proxy.example' }, 'proxy'],
  [{ defaultTenant: '' }, 'defaultTenant'],
  [{ allowCidrs: ['10.0.0.0/33'] }, 'allowCidrs[0]'],
  [{ allowHosts: ['https://shop.example'] }, 'allowHosts[0]'],
  [{ allowPorts: [0] }, 'allowPorts[0]'],
  [{ denyPorts: [65_536] }, 'denyPorts[0]'],
  [{ versions: { '': () => 1 } }, 'versions'],
  [{ hooks: { atempted() {} } }, 'hooks.atempted'],
  [{ logger: { info() {} } }, 'logger'],
  [{ secrets: { seal: () => '' } }, 'secrets.open'],
  [{ clock: {} }, 'clock'],
]

/** What is made before the sender, and says it by itself. */
const PARTS: readonly (readonly [name: string, make: () => unknown, told: readonly string[]])[] = [
  ['listening on a pool of 1', () => postgresStore({ client: pool(1), listen: true }), ['pool of 1', 'max']],
  [
    'no deadline of a statement',
    () => postgresStore({ client: pool(2), queryTimeoutMs: 0 }),
    ['queryTimeoutMs', '0'],
  ],
  [
    'a deadline over an hour',
    () => sqliteStore({ client, queryTimeoutMs: 3_600_001 }),
    ['queryTimeoutMs', '3600001'],
  ],
  ['a schema that is no name', () => postgresStore({ client: pool(2), schema: 'a"b' }), ['schema']],
  ['a prefix that is no name', () => sqliteStore({ client, prefix: 'a-b' }), ['prefix']],
  ['a client of another database', () => postgresStore({ client: client as never }), ['Postgres']],
  [
    'a first delay over the longest',
    () => exponential({ first: '2h', longest: '1h', times: 3 } as never),
    ['first'],
  ],
  ['a schedule of nothing readable', () => schedule(['soon' as never]), ['soon']],
  ['sealing with no key', () => sealedSecrets({ keys: [] }), ['key']],
]

describe('a sender whose settings contradict each other', () => {
  it.each(CONTRADICTIONS)('%j is refused, and both are named', (options, told) => {
    const { code, message } = refusalOf(() => createWebhooks({ store: memoryStore(), ...options }))
    expect({ code, message }).toMatchObject({ code: 'CONTRADICTORY_OPTIONS' })
    for (const text of told) expect(message).toContain(text)
  })

  it.each(IMPOSSIBLE)('%j is refused by its name', (options, named) => {
    const { code, message } = refusalOf(() => createWebhooks({ store: memoryStore(), ...options }))
    expect({ code, message }).toMatchObject({ code: 'INVALID_OPTION' })
    expect(message).toContain(named)
  })

  it.each(PARTS)('%s is refused', (_name, make, told) => {
    const { code, message } = refusalOf(make)
    expect(code).toMatch(/^(INVALID_OPTION|CONTRADICTORY_OPTIONS)$/)
    for (const text of told) expect(message).toContain(text)
  })

  it('has 60 of them at least', () => {
    expect(CONTRADICTIONS.length + IMPOSSIBLE.length + PARTS.length).toBeGreaterThanOrEqual(60)
  })
})

describe('a setting that is undefined', () => {
  it('is not set: its default holds', () => {
    const none = { failures: undefined, spanMs: undefined }
    expect(policyOf({ breaker: none, disableAfter: none } as object)).toEqual(policyOf({}))
    expect(retentionOf({ finishedMs: undefined, keysMs: undefined } as object)).toEqual(retentionOf())
    const options = {
      breaker: none,
      disableAfter: { attempts: undefined },
      retention: { finishedMs: undefined },
    }
    expect(() => createWebhooks({ store: memoryStore(), ...(options as object) })).not.toThrow()
  })
})
