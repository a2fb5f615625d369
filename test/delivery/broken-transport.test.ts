/** A transport that breaks its contract: the receiver may have seen everything, and it is not the receiver's fault. */
import { expect, it } from 'vitest'
import type { Transport } from '../../src/transport.ts'
import { setup } from '../support/setup.ts'

const acme = { tenantId: 'acme' }
const timing = { firstByteMs: 1, totalMs: 1 }
const response = { kind: 'response', status: 200, headers: {}, excerpt: '', truncated: false, timing }
const failure = { kind: 'failure', code: 'reset', message: 'Cut.', mayHaveBeenReceived: true, timing }

function brokenBy(send: () => unknown) {
  const problems: string[] = []
  const transport = { name: 'own', send, close: async () => undefined } as unknown as Transport
  const hooks = {
    problem: ({ during, error }: { during: string; error: { code: string; message: string } }) =>
      problems.push(`${during} ${error.code} ${error.message}`),
  }
  return { ...setup({ transport, hooks }), problems }
}

it.each<[what: string, send: () => unknown, says: string]>([
  [
    'throws at once',
    () => {
      throw new Error('a hook of the host threw')
    },
    'a hook of the host threw',
  ],
  ['rejects', () => Promise.reject(new Error('a hook of the host threw')), 'a hook of the host threw'],
  ['gives nothing', () => undefined, '`kind`'],
  ['gives no status', () => ({ ...response, status: undefined }), '`status`'],
  ['gives a status that is none', () => ({ ...response, status: 99 }), '`status`'],
  ['gives no headers', () => ({ ...response, headers: null }), '`headers`'],
  ['gives no excerpt', () => ({ ...response, excerpt: undefined }), '`excerpt`'],
  ['gives no times', () => ({ ...response, timing: undefined }), '`timing`'],
  ['gives a failure of its own making', () => ({ ...failure, code: 'oops' }), '`code`'],
  [
    'does not say whether it was received',
    () => ({ ...failure, mayHaveBeenReceived: undefined }),
    '`mayHaveBeenReceived`',
  ],
])('one that %s: the attempt was broken off and is repeated', async (_what, send, says) => {
  const { webhooks, subscribe, problems } = brokenBy(send)
  const { subscription } = await subscribe()
  await webhooks.publish('a', {}, acme)
  await webhooks.drain()
  expect((await webhooks.attempts.list(acme)).items).toMatchObject([
    { failure: 'aborted', mayHaveBeenReceived: true, message: 'The attempt was broken off by the sender.' },
  ])
  expect((await webhooks.deliveries.list(acme)).items).toMatchObject([{ state: 'pending', attemptCount: 1 }])
  expect(await webhooks.subscriptions.get(subscription.id, acme)).toMatchObject({ failingSince: null })
  expect(problems).toEqual([expect.stringMatching(/^transport TRANSPORT_FAILED /)])
  expect(problems[0]).toContain(says)
})

it('one that never ends an attempt: it has timed out a second after its deadline', async () => {
  const { webhooks, subscribe, clock, problems } = brokenBy(() => new Promise(() => undefined))
  await subscribe()
  await webhooks.publish('a', {}, acme)
  const drained = webhooks.drain()
  await clock.advance(16_000)
  await drained
  expect((await webhooks.attempts.list(acme)).items).toMatchObject([
    { failure: 'timeout', mayHaveBeenReceived: true, durationMs: 16_000 },
  ])
  expect(problems).toEqual([expect.stringMatching(/^transport TRANSPORT_FAILED /)])
})
