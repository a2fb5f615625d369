/** Two tries within one attempt, and the kinds of failure that an attempt can show. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { adviceFor, createWebhooks, FAILURE_KINDS, failureKindOf } from '../../src/index.ts'
import { memoryStore } from '../../src/stores/memory.ts'
import type { TransportFailure } from '../../src/transport.ts'
import { undiciTransport } from '../../src/transports/undici.ts'
import { evilReceiver } from '../support/evil-receiver.ts'
import { acme, published } from '../support/published.ts'
import { quietLogger } from '../support/setup.ts'

const failure = (parts: Partial<TransportFailure>): TransportFailure => ({
  kind: 'failure',
  code: 'reset',
  message: 'It broke.',
  mayHaveBeenReceived: true,
  timing: { firstByteMs: null, totalMs: 20 },
  ...parts,
})

describe('a second try within one attempt', () => {
  const lost = failure({ onReusedConnection: true })

  it('follows a lost kept-alive connection at once, on a fresh one, and is marked', async () => {
    const made = await published((nth) => (nth === 1 ? lost : 200))
    expect(made.transport.requests.map(({ freshConnection }) => freshConnection)).toEqual([undefined, true])
    const [first, second] = made.transport.requests
    expect(second?.deadlineMs).toBe((first?.deadlineMs ?? 0) - 20)
    expect(second?.headers).toEqual(first?.headers)
    expect(await made.attempts()).toMatchObject([
      { outcome: 'succeeded', mayHaveBeenReceived: true, number: 1 },
    ])
    expect(await made.deliveries()).toMatchObject([{ state: 'succeeded', attemptCount: 1 }])
  })

  it('comes once, never after another failure, never when it may be sent at most once', async () => {
    expect((await published(() => lost)).transport.requests).toHaveLength(2)
    expect((await published(() => failure({}))).transport.requests).toHaveLength(1)
    const once = await published(() => lost, {}, { retry: 'never' })
    expect(once.transport.requests).toHaveLength(1)
  })

  it('has no time when the deadline is used up', async () => {
    const slow = failure({ onReusedConnection: true, timing: { firstByteMs: null, totalMs: 15_000 } })
    expect((await published(() => slow)).transport.requests).toHaveLength(1)
  })

  it('follows a connect that failed in under a second, unless it is switched off', async () => {
    const refused = (totalMs: number) =>
      failure({ code: 'connect', mayHaveBeenReceived: false, timing: { firstByteMs: null, totalMs } })
    const quick = await published((nth) => (nth === 1 ? refused(999) : 200))
    expect(await quick.attempts()).toMatchObject([{ outcome: 'succeeded', mayHaveBeenReceived: false }])
    expect(quick.transport.requests).toHaveLength(2)
    expect((await published(() => refused(1_000))).transport.requests).toHaveLength(1)
    const off = await published(() => refused(5), { quickSecondTry: false })
    expect(off.transport.requests).toHaveLength(1)
  })

  it('hides a receiver that closes kept connections, over real sockets', async () => {
    const evil = await evilReceiver()
    const attempts: { outcome: string; mayHaveBeenReceived: boolean }[] = []
    let told = () => {}
    const webhooks = createWebhooks({
      store: memoryStore(),
      transport: undiciTransport(),
      allowHttp: true,
      allowPrivateNetworks: true,
      logger: quietLogger,
      hooks: {
        attempted: ({ attempt }) => {
          attempts.push(attempt)
          told()
        },
      },
    })
    onTestFinished(async () => {
      await webhooks.stop({ drainMs: 0 })
      await evil.close()
    })
    await webhooks.subscriptions.create({ ...acme, url: evil.url('ok') })
    await webhooks.start()
    for (let n = 0; n < 20; n++) {
      const done = new Promise<void>((resolve) => {
        told = resolve
      })
      evil.hangUp()
      await webhooks.publish('a', { n }, acme)
      await done
    }
    expect(attempts.map(({ outcome }) => outcome)).toEqual(Array(20).fill('succeeded'))
  })
})

describe('failure kinds', () => {
  it('are a closed list, each with a sentence of advice', () => {
    expect(FAILURE_KINDS).toEqual([
      ...['dns', 'blocked', 'connect', 'tls', 'timeout', 'reset', 'protocol', 'aborted'],
      ...['invalid-request', 'status'],
    ])
    for (const kind of FAILURE_KINDS) expect(adviceFor(kind)).toMatch(/^[A-Z].{20,}\.$/)
    expect(new Set(FAILURE_KINDS.map((kind) => adviceFor(kind))).size).toBe(FAILURE_KINDS.length)
  })

  it('are told from an attempt, with more to say about some statuses', async () => {
    const [attempt] = await (await published(() => 404)).attempts()
    if (attempt === undefined) throw new Error('no attempt')
    expect(failureKindOf(attempt)).toBe('status')
    expect(adviceFor(attempt)).toBe('Nothing answers at this path: check the URL.')
    expect(adviceFor({ failure: 'dns', status: null })).toBe(adviceFor('dns'))
    expect(adviceFor({ failure: null, status: 302 })).toContain('Redirects')
    expect(adviceFor({ failure: null, status: 599 })).toContain('log')
    expect(adviceFor({ outcome: 'succeeded', failure: null, status: 200 })).toBeNull()
  })
})
