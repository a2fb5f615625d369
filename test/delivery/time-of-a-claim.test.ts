/** One deadline for everything that an attempt does: nothing starts so late that another worker has the claim before it ends. */
import { describe, expect, it } from 'vitest'
import { thinkingMs } from '../../src/delivery/lease-time.ts'
import { customScheme, type Webhooks } from '../../src/index.ts'
import { type ManualClock, manualClock } from '../../src/testing/manual-clock.ts'
import { setup } from '../support/setup.ts'
import { neighbour } from '../support/shared-limits.ts'

const acme = { tenantId: 'acme' }
const last = <Value>(values: readonly Value[]): Value | undefined => values.at(-1)

/** Two senders on one store that send one request at a time to one origin, with a sealer that takes its time. */
function twoSenders(openMs: (url: string) => number) {
  const state = { slow: false }
  const requests: { readonly at: number; readonly path: string; readonly deadlineMs: number }[] = []
  const options = {
    concurrencyPerOrigin: 1,
    concurrencyPerSubscription: 1,
    secrets: {
      seal: (text: string) => text,
      async open(text: string, { subscriptionId }: { readonly subscriptionId: string | null }) {
        if (state.slow) await pass(openMs(subscriptionId ?? ''))
        return text
      },
    },
  }
  const made = setup(options)
  const pass = (ms: number) => new Promise<void>((resolve) => made.clock.setTimer(resolve, ms))
  const other = neighbour(made, options)
  for (const transport of [made.transport, other.transport]) {
    transport.answer(async ({ url, deadlineMs }) => {
      requests.push({ at: made.clock.monotonic(), path: last(url.split('/')) ?? '', deadlineMs })
      await pass(13_000)
      return 200
    })
  }
  return { ...made, other, requests, state }
}

/** One started sender whose host takes its time, and an event that is being published. */
async function slowly({ openMs, signMs }: { readonly openMs: number; readonly signMs: number }) {
  let isSlow = false
  const pass = (ms: number) => new Promise<void>((resolve) => made.clock.setTimer(resolve, ms))
  const scheme = customScheme({
    name: 'slow',
    headers: ['x-slow'],
    async sign() {
      await pass(signMs)
      return { 'x-slow': '1' }
    },
  })
  const secrets = {
    seal: (text: string) => text,
    async open(text: string) {
      if (isSlow) await pass(openMs)
      return text
    },
  }
  const problems: unknown[] = []
  const hooks = { problem: (event: unknown) => problems.push(event) }
  const made = setup({ signing: scheme, customSchemes: [scheme.custom as never], secrets, hooks })
  await made.subscribe()
  const started = made.webhooks.start()
  await made.clock.advance(1)
  await started
  isSlow = true
  return { ...made, problems, publishing: made.webhooks.publish('a', {}, acme) }
}

async function stopped(webhooks: Webhooks, clock: ManualClock): Promise<void> {
  const stopping = webhooks.stop()
  await clock.advance(10_000)
  await stopping
}

describe('a claim', () => {
  it('is not spent several times: slow secrets delay a request, and never double it', async () => {
    const made = twoSenders((id) => (id === 'b' ? 14_000 : 1_000))
    const { webhooks, other, clock, state, requests } = made
    for (const id of ['a', 'b']) await made.subscribe('acme', { id, url: `https://receiver.example/${id}` })
    const working = Promise.all([webhooks.start(), other.webhooks.start()])
    await clock.advance(1)
    await working
    state.slow = true
    const publishedAt = clock.monotonic()
    const published = webhooks.publish('a', {}, acme)
    await clock.advance(200_000)
    await published
    expect(requests.map(({ path }) => path)).toEqual(['a', 'b'])
    expect(requests.map(({ at }) => at - publishedAt)).toEqual([1_000, expect.any(Number)])
    const { items } = await webhooks.attempts.list(acme)
    expect(items.map(({ late, outcome }) => [late, outcome])).toEqual([
      [false, 'succeeded'],
      [false, 'succeeded'],
    ])
    await Promise.all([stopped(webhooks, clock), stopped(other.webhooks, clock)])
  })

  it('gives a request what making it ready has left of the deadline', async () => {
    const { webhooks, clock, transport, publishing } = await slowly({ openMs: 4_000, signMs: 3_000 })
    await clock.advance(10_000)
    await publishing
    expect(transport.requests.map(({ deadlineMs }) => deadlineMs)).toEqual([8_000])
    await stopped(webhooks, clock)
  })

  it('hands back what has too little time left, which is no attempt, and says so', async () => {
    const { webhooks, clock, transport, publishing, problems } = await slowly({
      openMs: 12_000,
      signMs: 3_000,
    })
    await clock.advance(12_999)
    await publishing
    expect([transport.requests, problems]).toEqual([[], []])
    await clock.advance(4_001)
    expect([transport.requests, problems]).toMatchObject([
      [],
      [
        {
          during: 'deliver',
          error: { code: 'SIGNING_FAILED', message: expect.stringMatching(/was not sent.*30 s/) },
        },
      ],
    ])
    await clock.advance(30_000)
    // What was opened is kept.
    expect(transport.requests.map(({ deadlineMs }) => deadlineMs)).toEqual([12_000])
    const { items } = await webhooks.attempts.list(acme)
    expect(items.map(({ number, outcome }) => [number, outcome])).toEqual([[1, 'succeeded']])
    await stopped(webhooks, clock)
  })

  it('starts nothing any more once the sender stops while a request is made ready', async () => {
    const { webhooks, clock, transport, store, publishing } = await slowly({ openMs: 3_000, signMs: 0 })
    await clock.advance(1_000)
    await publishing
    await stopped(webhooks, clock)
    expect(transport.requests).toEqual([])
    expect(await store.backlog({ tenant: 'acme' })).toMatchObject({ due: 1 })
    expect((await webhooks.attempts.list(acme)).items).toEqual([])
  })
})

it('`retryIf` has what is left of the time of its attempt, and a little where nothing is left', async () => {
  const { webhooks, subscribe, clock } = setup({
    answer: async () => {
      await new Promise<void>((resolve) => clock.setTimer(resolve, 14_000))
      return 500
    },
    retryIf: () => new Promise<boolean>(() => undefined),
  })
  await subscribe()
  const started = webhooks.start()
  await clock.advance(1)
  await started
  const published = webhooks.publish('a', {}, acme)
  await clock.advance(15_800)
  await published
  expect((await webhooks.attempts.list(acme)).items).toEqual([])
  await clock.advance(200)
  expect((await webhooks.attempts.list(acme)).items).toMatchObject([{ status: 500, late: false }])
  await stopped(webhooks, clock)
})

it('`retryIf` does not outlast the lease: what it is asked about is stored by whoever has sent it', async () => {
  const parts = { timeoutMs: 15_000, clock: manualClock() }
  const leftOfLease = (ms: number) => parts.clock.monotonic() + ms
  expect(thinkingMs(9_000, leftOfLease(20_000), parts)).toBe(9_000)
  expect(thinkingMs(-1_000, leftOfLease(20_000), parts)).toBe(1_875)
  expect(thinkingMs(-1_000, leftOfLease(1_000), parts)).toBe(500)
  expect(thinkingMs(9_000, leftOfLease(-1), parts)).toBe(0)
})

it('no request begins whose deadline would end with the lease: its outcome has to be stored before', async () => {
  const { webhooks, store, clock, transport, subscribe } = setup({ concurrencyPerSubscription: 1 })
  const claimedAt: number[] = []
  const { append, claim } = store
  store.append = (...given) => {
    claimedAt.push(clock.monotonic())
    return append(...given)
  }
  store.claim = async (...given) => {
    const claimed = await claim(...given)
    if (claimed.work.length > 0) claimedAt.push(clock.monotonic())
    return claimed
  }
  const begun: { readonly afterMs: number; readonly deadlineMs: number }[] = []
  transport.answer(async ({ deadlineMs }) => {
    begun.push({ afterMs: clock.monotonic() - (claimedAt.at(-1) ?? 0), deadlineMs })
    // After 13,125 ms what is left for turns is over.
    await new Promise<void>((resolve) => clock.setTimer(resolve, 14_000))
    return 200
  })
  await subscribe()
  const started = webhooks.start()
  await clock.advance(1)
  await started
  for (let n = 0; n < 2; n++) {
    const published = webhooks.publish('a', { n }, acme)
    await clock.advance(1)
    await published
  }
  await clock.advance(60_000)
  expect(begun).toHaveLength(2)
  for (const { afterMs, deadlineMs } of begun)
    expect(afterMs + deadlineMs).toBeLessThanOrEqual(30_000 - 1_875)
  await stopped(webhooks, clock)
})

describe('a tick that is short', () => {
  it('gives up no delivery because signing took what was left of it', async () => {
    let made: ReturnType<typeof setup>
    const scheme = customScheme({
      name: 'slow',
      headers: ['x-slow'],
      async sign() {
        await new Promise<void>((resolve) => made.clock.setTimer(resolve, 4_500))
        return { 'x-slow': '1' }
      },
    })
    made = setup({ signing: scheme, customSchemes: [scheme.custom as never] })
    await made.subscribe()
    const publishing = made.webhooks.publish('a', {}, acme)
    await made.clock.advance(1)
    await publishing
    const ticked = made.webhooks.tick({ budgetMs: 6_500 })
    await made.clock.advance(7_000)
    await ticked
    const { items } = await made.webhooks.deliveries.list(acme)
    expect(items.filter(({ state }) => state !== 'pending')).toEqual([])
    const again = made.webhooks.tick({ budgetMs: 20_000 })
    await made.clock.advance(20_000)
    await again
    expect(made.transport.requests).toHaveLength(1)
  })
})
