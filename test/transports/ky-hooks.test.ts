import ky, { type AfterResponseHook, type BeforeRequestHook, type KyInstance } from 'ky'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { TransportRequest } from '../../src/transport.ts'
import { kyTransport } from '../../src/transports/ky.ts'
import { evilReceiver } from '../support/evil-receiver.ts'

describe.each([
  ['over undici', undefined],
  ['over fetch', globalThis.fetch],
] as const)("the host's own ky, %s", (_name, fetch) => {
  async function setup(instance: KyInstance) {
    const transport = kyTransport({ ky: instance, ...(fetch && { fetch }) })
    const evil = await evilReceiver()
    onTestFinished(async () => {
      await transport.close()
      await evil.close()
    })
    const send = (mode: string, request: Partial<TransportRequest> = {}) =>
      transport.send({
        url: evil.url(mode),
        headers: { 'webhook-id': 'evt_1', 'webhook-signature': 'v1,abc' },
        body: Buffer.from('{"signed":true}'),
        deadlineMs: 5_000,
        ...request,
      })
    const header = (wanted: string) =>
      (evil.requests.at(-1)?.headers ?? []).filter(([name]) => name === wanted).map(([, value]) => value)
    return { evil, send, header }
  }
  const withBeforeRequest = (...beforeRequest: BeforeRequestHook[]) =>
    setup(ky.create({ hooks: { beforeRequest } }))
  const withAfterResponse = (...afterResponse: AfterResponseHook[]) =>
    setup(ky.create({ hooks: { afterResponse } }))

  test('a header that a hook sets is sent', async () => {
    const { send, header } = await withBeforeRequest((request) => request.headers.set('X-Token', 'abc'))
    expect(await send('ok')).toMatchObject({ kind: 'response', excerpt: 'fine' })
    expect(header('x-token')).toEqual(['abc'])
  })

  test('headers of the instance itself are sent', async () => {
    const { send, header } = await setup(ky.create({ headers: { 'x-own': '1' } }))
    await send('ok')
    expect(header('x-own')).toEqual(['1'])
  })

  test('an agent that a hook sets wins over ours', async () => {
    const { send, header } = await withBeforeRequest((request) => request.headers.set('user-agent', 'Acme/2'))
    await send('ok')
    expect(header('user-agent')).toEqual(['Acme/2'])
  })

  test('a hook cannot change what was signed, nor how the message is framed', async () => {
    const { evil, send, header } = await withBeforeRequest((request) => {
      request.headers.set('webhook-id', 'evt_2')
      request.headers.delete('webhook-signature')
      request.headers.set('accept-encoding', 'gzip')
      request.headers.set('transfer-encoding', 'chunked')
      request.headers.set('content-length', '3')
      return new Request(request, { body: 'other', duplex: 'half' } as RequestInit)
    })
    expect(await send('ok')).toMatchObject({ kind: 'response' })
    expect(evil.requests.at(-1)?.body.toString()).toBe('{"signed":true}')
    expect(header('webhook-id')).toEqual(['evt_1'])
    expect(header('webhook-signature')).toEqual(['v1,abc'])
    expect(header('accept-encoding')).toEqual(['identity'])
    expect(header('content-length')).toEqual(['15'])
    expect(header('transfer-encoding')).toEqual([])
  })

  test('our settings win over those of the instance', async () => {
    const instance = ky.create({
      prefixUrl: 'http://127.0.0.1:1/elsewhere',
      searchParams: { added: '1' },
      method: 'get',
      retry: { limit: 5, methods: ['post'] },
      throwHttpErrors: true,
      redirect: 'follow',
      timeout: 1,
    })
    const { evil, send } = await setup(instance)
    expect(await send('server-error')).toMatchObject({ kind: 'response', status: 503, excerpt: 'broken' })
    expect(await send('redirect')).toMatchObject({ kind: 'response', status: 302 })
    expect(evil.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /server-error',
      'POST /redirect',
    ])
  })

  test('a hook sees the answer, also one that may have no body', async () => {
    const seen: [number, string | null, string][] = []
    const { send } = await withAfterResponse(async (_request, _options, response) => {
      seen.push([response.status, response.headers.get('content-type'), await response.text()])
    })
    await send('ok')
    expect(await send('no-content')).toMatchObject({ kind: 'response', status: 204, excerpt: '' })
    expect(await send('not-modified')).toMatchObject({ kind: 'response', status: 304, excerpt: '' })
    expect(seen).toEqual([
      [200, 'text/plain', 'fine'],
      [204, null, ''],
      [304, null, ''],
    ])
  })

  test('an answer that a hook puts in place of the real one counts, capped like any other', async () => {
    const { send } = await withAfterResponse(
      () => new Response('x'.repeat(300_000), { status: 502, headers: { 'x-a': 'b' } }),
    )
    expect(await send('ok')).toMatchObject({
      kind: 'response',
      status: 502,
      headers: { 'x-a': 'b' },
      excerpt: 'x'.repeat(16_384),
      truncated: true,
    })
  })

  test('a hook may answer in place of the receiver', async () => {
    const { evil, send } = await withBeforeRequest(() => new Response('dry run', { status: 200 }))
    expect(await send('ok')).toMatchObject({ kind: 'response', excerpt: 'dry run' })
    expect(evil.accepted).toBe(0)
  })

  test('a hook that asks ky for a retry gets none: the answer stands', async () => {
    const { evil, send } = await withAfterResponse(() => ky.retry())
    expect(await send('server-error')).toMatchObject({ kind: 'response', status: 503, excerpt: 'broken' })
    expect(evil.requests).toHaveLength(1)
  })

  test('what a hook throws is the caller’s', async () => {
    const { send } = await withBeforeRequest(() => {
      throw new Error('no token')
    })
    await expect(send('ok')).rejects.toThrow('no token')
  })

  test('a failure of the network is data, hooks or not', async () => {
    const { send } = await withAfterResponse(() => {})
    expect(await send('reset-after-request')).toMatchObject({ code: 'reset', mayHaveBeenReceived: true })
  })

  test('a hook that never ends before the request ends with the deadline, and nothing is sent', async () => {
    let goOn = () => {}
    const { evil, send } = await withBeforeRequest(() => new Promise<void>((resolve) => (goOn = resolve)))
    expect(await send('ok', { deadlineMs: 100 })).toMatchObject({
      code: 'timeout',
      mayHaveBeenReceived: false,
    })
    goOn()
    await new Promise(setImmediate)
    expect(evil.accepted).toBe(0)
  })

  test('a hook that never ends after the answer ends with the deadline', async () => {
    const { send } = await withAfterResponse(() => new Promise<undefined>(() => {}))
    expect(await send('ok', { deadlineMs: 100 })).toMatchObject({
      code: 'timeout',
      status: 200,
      mayHaveBeenReceived: true,
    })
  })
})
