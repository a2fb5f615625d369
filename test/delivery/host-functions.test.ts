/** Functions of the host that fail in every way: the sender goes on, loses nothing that was stored, and stops when it is told to. */
import { expect, it } from 'vitest'
import type { Logger, ProblemReport } from '../../src/hooks.ts'
import { customScheme, defineEvents, schedule } from '../../src/index.ts'
import type { WebhooksOptions } from '../../src/options.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import type { TransportRequest } from '../../src/transport.ts'
import { quietLogger, setup } from '../support/setup.ts'

const acme = { tenantId: 'acme' }
const ways = {
  throws() {
    throw new Error('broken')
  },
  rejects: () => Promise.reject(new Error('broken')),
  'never settles': () => new Promise<never>(() => undefined),
  'returns nonsense': () => Symbol('nonsense'),
}
type Way = keyof typeof ways

/** Makes a function that breaks while the test wants it to. */
type Breakable = <Given extends unknown[], Result>(
  good: (...given: Given) => Result,
) => (...given: Given) => Result

interface Case {
  readonly options: (
    breaks: Breakable,
  ) => Partial<WebhooksOptions<never>> & { answer?: Parameters<typeof fakeTransport>[0] }
  readonly subscription?: object
  /** What is published while it is broken. */
  readonly data?: (breaks: Breakable) => unknown
  /** Ways after which nothing can be sent, because nothing may go unsigned: its deliveries are set aside. */
  readonly setAside?: readonly Way[]
  /** The step under which the hook `problem` is told. */
  readonly during?: string
}

const hooks = ['published', 'attempted', 'ended', 'subscriptionChanged', 'noticed', 'problem'] as const
const levels = ['debug', 'info', 'warn', 'error'] as const
const all = Object.keys(ways) as Way[]

const scheme = (breaks: Breakable) =>
  customScheme({ name: 'own', headers: ['x-own'], sign: breaks(() => ({ 'x-own': '1' })) })

const anyData = (breaks: Breakable) => ({
  '~standard': { version: 1 as const, vendor: 'own', validate: breaks((value: unknown) => ({ value })) },
})

const secrets = { seal: (text: string) => `sealed ${text}`, open: (text: string) => text.slice(7) }

/** Refuses the first attempt of each delivery. */
function refusing() {
  const seen = new Set<string>()
  const answer = ({ url, headers }: TransportRequest) => {
    const key = `${url} ${headers['webhook-id']}`
    if (seen.has(key)) return 200
    seen.add(key)
    return 500
  }
  return { answer, breaker: false as const }
}

const cases: Readonly<Record<string, Case>> = {
  transform: { options: (breaks) => ({ transform: breaks(() => undefined) }), during: 'transform' },
  'transform, for one subscription': {
    options: (breaks) => {
      const one = breaks(() => undefined)
      return { transform: (_event, { name }) => (name === 'first' ? one() : undefined) }
    },
    during: 'transform',
  },
  versions: {
    options: (breaks) => ({ versions: { v1: breaks(({ data }) => ({ data })) } }),
    subscription: { version: 'v1' },
    during: 'transform',
  },
  retryIf: { options: (breaks) => ({ ...refusing(), retryIf: breaks(() => true) }) },
  envelope: { options: (breaks) => ({ envelope: breaks(({ data }) => ({ data })) }) },
  tenantLimits: {
    options: (breaks) => ({ tenantLimits: breaks(() => ({ concurrency: 3 })) }),
    during: 'tenantLimits',
  },
  'ids.event': { options: (breaks) => ({ ids: { event: breaks(() => crypto.randomUUID()) } }) },
  'ids.delivery': {
    options: (breaks) => ({ ids: { delivery: breaks(() => crypto.randomUUID()) } }),
    during: 'ids',
  },
  'ids.attempt': {
    options: (breaks) => ({ ids: { attempt: breaks(() => crypto.randomUUID()) } }),
    during: 'ids',
  },
  'secrets.seal': { options: (breaks) => ({ secrets: { ...secrets, seal: breaks(secrets.seal) } }) },
  'secrets.open': {
    options: (breaks) => ({ secrets: { ...secrets, open: breaks(secrets.open) } }),
    setAside: ['returns nonsense'],
  },
  'the scheme that signs': {
    options: (breaks) => ({ signing: scheme(breaks), customSchemes: [scheme(breaks).custom as never] }),
    setAside: all,
    during: 'deliver',
  },
  'transport.send': {
    options(breaks) {
      const good = fakeTransport(refusing().answer)
      const retry = schedule(Array(30).fill('5s'), { jitter: 0 })
      return { retry, breaker: false, transport: { ...good, name: 'own', send: breaks(good.send) } }
    },
    during: 'transport',
  },
  random: { options: (breaks) => ({ ...refusing(), random: breaks(() => 0) }), during: 'random' },
  'events.validate': { options: (breaks) => ({ events: defineEvents({ a: anyData(breaks) }) as never }) },
  'toJSON of the data': {
    options: () => ({}),
    data: (breaks) => ({ deep: { toJSON: breaks(() => 'text') } }),
  },
  ...Object.fromEntries(
    (['now', 'monotonic', 'setTimer'] as const).map((name) => [
      `clock.${name}`,
      { options: (breaks: Breakable) => ({ clock: brokenClock(name, breaks) }), during: 'clock' },
    ]),
  ),
  ...Object.fromEntries(
    hooks.map((name) => [
      `hooks.${name}`,
      {
        options: (breaks: Breakable) => ({ ...refusing(), hooks: { [name]: breaks(() => undefined) } }),
      },
    ]),
  ),
  ...Object.fromEntries(
    levels.map((level) => [
      `logger.${level}`,
      { options: (breaks: Breakable) => ({ ...refusing(), logger: brokenLogger(level, breaks) }) },
    ]),
  ),
}

function brokenLogger(level: (typeof levels)[number], breaks: Breakable): Logger {
  return { ...quietLogger, [level]: breaks(() => undefined) }
}

const clocks = new WeakMap<object, ReturnType<typeof manualClock>>()

function brokenClock(name: 'now' | 'monotonic' | 'setTimer', breaks: Breakable) {
  const good = manualClock()
  const clock = { ...good, [name]: breaks(good[name] as never) }
  clocks.set(clock, good)
  return clock
}

const table = Object.keys(cases)
  .flatMap((name) => all.map((way) => [name, way] as const))
  // Nobody but JSON.stringify ever holds that promise, so nobody can hear of its rejection.
  .filter(([name, way]) => !(name === 'toJSON of the data' && way === 'rejects'))

it.each(table)('%s: one that %s costs no delivery, no place and no process', async (name, way) => {
  const made = cases[name] as Case
  let isBroken = false
  const breaks: Breakable =
    (good) =>
    (...given) =>
      isBroken ? (ways[way]() as never) : good(...given)
  const { options, subscription = {}, data = () => ({}), setAside = [], during } = made
  const told = new Set<string>()
  const problem = { problem: (report: ProblemReport) => told.add(report.during) }
  const given = { hooks: problem, ...options(breaks) } as Parameters<typeof setup>[0] & { clock?: object }
  const sender = setup(given)
  const { webhooks, subscribe } = sender
  const clock = clocks.get(given.clock ?? {}) ?? sender.clock
  const store = sender.store
  const unheard: unknown[] = []
  const hear = (error: unknown) => unheard.push(error)
  process.on('unhandledRejection', hear).on('uncaughtException', hear)
  try {
    const { subscription: first } = await subscribe('acme', { ...subscription, name: 'first' })
    await subscribe('acme', { ...subscription, name: 'second' })
    const started = webhooks.start()
    await clock.advance(1)
    await started
    const publish = async (value: unknown, to?: { url: string }) => {
      const published = webhooks.publish('a', value, { ...acme, ...(to && { to }) }).catch(() => undefined)
      await clock.advance(1_000)
      return published
    }
    await publish({})
    isBroken = true
    // Its secrets are opened anew.
    const updated = webhooks.subscriptions.update(first.id, { description: 'new' }, acme)
    const refused = updated.catch(() => undefined)
    for (let nth = 0; nth < 3; nth++) void publish(data(breaks))
    void publish({}, { url: 'https://once.example' })
    await clock.advance(100_000)
    isBroken = false
    await refused
    webhooks.wake()
    await publish({})
    await clock.advance(200_000)
    expect(await store.backlog({ tenant: 'acme' })).toMatchObject({ due: 0, held: 0 })
    const { items: events } = await webhooks.events.list(acme)
    const { items: deliveries } = await webhooks.deliveries.list(acme)
    for (const { id } of events) {
      const own = deliveries.filter(({ eventId }) => eventId === id)
      expect(own.length).toBe(own[0]?.subscriptionId === null ? 1 : 2)
      const states = own.map(({ state, reason }) => reason ?? state)
      const expected = setAside.includes(way) ? /^(succeeded|quarantined)$/ : /^succeeded$/
      for (const state of states) expect(state).toMatch(expected)
    }
    expect(deliveries[0]).toMatchObject({ state: 'succeeded' })
    const stopped = webhooks.stop({ drainMs: 100 })
    await clock.advance(50)
    await stopped
    expect(unheard).toEqual([])
    if (during !== undefined) expect([...told]).toContain(during)
    expect([...told]).not.toContain('stop')
  } finally {
    process.off('unhandledRejection', hear).off('uncaughtException', hear)
  }
})
