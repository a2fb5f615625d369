/** The clock, the transport and the receiver that `posthorn/testing` gives to tests. */
import { expect, test } from 'vitest'
import { signRequest } from '../../src/signing/index.ts'
import { fakeTransport, manualClock, receiver } from '../../src/testing/index.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const request = { url: 'http://r.test/', headers: {}, body: new Uint8Array(), deadlineMs: 1000 }

test('the clock fires timers in order, each at its instant, also those set meanwhile', async () => {
  const clock = manualClock()
  const seen: [string, number][] = []
  const note = (name: string) => seen.push([name, clock.monotonic()])
  clock.setTimer(() => note('late'), 3000)
  clock.setTimer(() => void Promise.resolve().then(() => clock.setTimer(() => note('chained'), 500)), 1000)
  clock.setTimer(() => note('never'), 2000).cancel()
  clock.setTimer(() => note('waiting'), 9000)
  const start = clock.now()
  await clock.advance(5000)
  expect(seen).toEqual([
    ['chained', 1500],
    ['late', 3000],
  ])
  expect([clock.now() - start, clock.monotonic(), clock.pending()]).toEqual([5000, 5000, 1])
  await expect(clock.advance(-1)).rejects.toThrow('only moves forward')
})

test('the transport remembers requests, answers as told, and obeys the signal', async () => {
  const transport = fakeTransport((_request, nth) => (nth === 1 ? 500 : { excerpt: 'ok' }))
  expect(await transport.send(request)).toMatchObject({ kind: 'response', status: 500 })
  expect(await transport.send(request)).toMatchObject({ status: 200, excerpt: 'ok' })
  transport.answer(() => new Promise(() => undefined))
  const abort = new AbortController()
  const sent = transport.send({ ...request, signal: abort.signal })
  abort.abort()
  expect(await sent).toMatchObject({ kind: 'failure', code: 'aborted' })
  expect(transport.requests).toHaveLength(3)
})

test('the receiver verifies what it gets, and waiting for it needs no sleep', async () => {
  const hook = await receiver({ secret: SECRET })
  const waiting = hook.next(2)
  const body = '{"type":"order.paid","data":1}'
  const signed = await signRequest({ id: 'evt_1', type: 'order.paid', body }, { secret: SECRET })
  const post = (headers: Record<string, string>) => fetch(hook.url, { method: 'POST', headers, body })
  expect((await post({ ...signed.headers })).status).toBe(204)
  expect((await post({})).status).toBe(401)
  const [good, bad] = await waiting
  expect([good?.verified?.type, good?.error]).toEqual(['order.paid', null])
  expect([bad?.verified, bad?.error?.name]).toEqual([null, 'VerificationError'])
  const never = expect(hook.next()).rejects.toThrow('closed while a test waited for 1 more')
  await hook.close()
  await hook.close()
  await never
})
