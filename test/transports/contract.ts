/** The suite that every transport passes: one call per transport, over real sockets on the loopback. */
import { describe, expect, test } from 'vitest'
import type { TransportResult } from '../../src/transport.ts'
import { type ContractOptions, contractSetup, DEADLINE_MS } from './contract-setup.ts'
import { tlsContract } from './contract-tls.ts'
import { expectations } from './expectations.ts'

/** Runs the suite. */
export function transportContract(options: ContractOptions): void {
  const { name, overFetch = false } = options
  const { setup, socketsClosed, lastOf } = contractSetup(options)
  /** Fetch takes no authority, has no connect timeout, keeps its connections to itself, and loses the race for an idle one. */
  const ofOwnSockets = (title: string, prove: () => Promise<void>): void => {
    if (!overFetch) test(title, prove)
  }

  describe(`${name}: what goes over the wire`, () => {
    test('the body arrives byte for byte, with its length and in one piece', async () => {
      const { evil, send } = await setup()
      const body = Buffer.from(Array.from({ length: 70_000 }, (_, n) => (n * 7) % 256))
      await send('ok', { body })
      const seen = lastOf(evil)
      expect(seen.method).toBe('POST')
      expect(seen.body.equals(body)).toBe(true)
      expect(seen.header('content-length')).toEqual([['content-length', '70000']])
      expect(seen.header('transfer-encoding')).toEqual([])
    })

    test('a part of a larger buffer is sent as that part', async () => {
      const { evil, send } = await setup()
      await send('ok', { body: new Uint8Array(Buffer.from('xx{"b":2}yy')).subarray(2, 9) })
      expect(lastOf(evil).body.toString()).toBe('{"b":2}')
    })

    test('an empty body has the length 0', async () => {
      const { evil, send } = await setup()
      await send('ok', { body: new Uint8Array(0) })
      expect(lastOf(evil).header('content-length')).toEqual([['content-length', '0']])
    })

    test('asks for no compression and names its own agent', async () => {
      const { evil, send } = await setup()
      await send('ok', { headers: { 'accept-encoding': 'gzip' } })
      expect(lastOf(evil).header('accept-encoding')).toEqual([['accept-encoding', 'identity']])
      expect(lastOf(evil).header('user-agent')).toEqual([['user-agent', 'Posthorn/0.1']])
    })

    test('an agent that the request names wins', async () => {
      const { evil, send } = await setup()
      await send('ok', { headers: { 'user-agent': 'Acme/1' } })
      expect(lastOf(evil).header('user-agent')).toEqual([['user-agent', 'Acme/1']])
    })

    test('headers in odd case arrive once, in lower case', async () => {
      const { evil, send } = await setup()
      await send('ok', { headers: { 'X-Odd': 'yes', 'Webhook-ID': 'evt_1' } })
      expect(lastOf(evil).header('x-odd')).toEqual([['x-odd', 'yes']])
      expect(lastOf(evil).header('webhook-id')).toEqual([['webhook-id', 'evt_1']])
    })

    test('what the caller passed in is not changed', async () => {
      const { send } = await setup()
      const headers = Object.freeze({ 'x-a': '1' })
      const body = Buffer.from('bytes')
      await send('ok', { headers, body })
      expect(body.toString()).toBe('bytes')
    })

    test.each(['redirect', 'redirect-308'])('%s is an answer and is not followed', async (mode) => {
      const { evil, send } = await setup()
      expect(await send(mode)).toMatchObject({ kind: 'response', headers: { location: '/redirect-target' } })
      expect(evil.requests).toHaveLength(1)
    })
  })

  describe(`${name}: answers`, () => {
    for (const { mode, expected: ours, overFetch: theirs } of expectations) {
      const [why, expected] = overFetch && theirs !== undefined ? theirs : [undefined, ours]
      if (expected === undefined) {
        continue
      }
      const title = 'code' in expected ? expected.code : `the answer ${expected.status}`
      test(`${mode} comes to ${title}${why === undefined ? '' : `: ${why}`}`, async () => {
        const { evil, send } = await setup()
        const slow = 'code' in expected && expected.code === 'timeout'
        const result = await send(mode, slow ? { deadlineMs: DEADLINE_MS } : {})
        if ('code' in expected) {
          expect(result).toMatchObject({ kind: 'failure', mayHaveBeenReceived: true, ...expected })
          expect('status' in result).toBe('status' in expected)
          await socketsClosed(evil)
        } else {
          expect(result).toMatchObject({ kind: 'response', ...expected })
          expectClean(result)
          if (mode === 'ten-gigabytes' || mode.startsWith('endless')) await socketsClosed(evil)
        }
        expect(evil.requests.length).toBeLessThanOrEqual(1)
      })
    }

    test('an answer that comes before the request is whole counts', async () => {
      const { send } = await setup()
      const result = await send('too-large-early', { body: Buffer.alloc(4_000_000) })
      expect(result).toMatchObject({ kind: 'response', status: 413, excerpt: 'big' })
    })

    test('a reset in the middle of the request may have been received, and was not received whole', async () => {
      const { evil, send } = await setup()
      const result = await send('reset-in-request-body', { body: Buffer.alloc(4_000_000) })
      expect(result).toMatchObject({ code: 'reset', mayHaveBeenReceived: true })
      expect(evil.requests).toHaveLength(0)
      await socketsClosed(evil)
    })

    test('headers are in lower case and repeated ones are joined', async () => {
      const { send } = await setup()
      const headers = { 'content-type': 'text/plain', 'set-cookie': 'a=1, b=2' }
      expect(await send('ok')).toMatchObject({ kind: 'response', headers })
    })

    test('a header named __proto__ harms nobody', async () => {
      const { send } = await setup()
      expect(await send('prototype-headers')).toMatchObject({
        kind: 'response',
        headers: { constructor: 'c' },
      })
      expect(Object.prototype).not.toHaveProperty('length')
    })

    test('compressed bytes are never decompressed', async () => {
      const { send } = await setup()
      for (const mode of ['gzip-bomb', 'double-gzip-bomb', 'brotli-bomb', 'hundred-encodings']) {
        const result = await send(mode)
        expect(result.kind === 'response' && result.excerpt.includes('AAAAAAAA')).toBe(false)
      }
    })

    test('bytes after an answer never become the answer to the next request', async () => {
      const { send } = await setup()
      await send('two-answers')
      expect(await send('ok')).toMatchObject({ excerpt: 'fine' })
    })

    test('the time to the first byte lies between the call and the end', async () => {
      const { send } = await setup()
      const { timing } = await send('ok')
      expect(timing.firstByteMs).toBeGreaterThan(0)
      expect(timing.totalMs).toBeGreaterThanOrEqual(timing.firstByteMs ?? Number.NaN)
      expect((await send('silent', { deadlineMs: 50 })).timing.firstByteMs).toBeNull()
    })
  })

  describe(`${name}: connections`, () => {
    test('a refused connection was never received', async () => {
      const { evil, send } = await setup()
      const url = evil.url('ok')
      await evil.close()
      expect(await send('', { url })).toMatchObject({ code: 'connect', mayHaveBeenReceived: false })
    })

    test('a name that does not exist is a dns failure', async () => {
      const { send } = await setup()
      const url = 'http://posthorn-test.invalid/'
      expect(await send('', { url })).toMatchObject({ code: 'dns', mayHaveBeenReceived: false })
    })

    test('a receiver that resets every connection it accepts may have read from it', async () => {
      const { send } = await setup({ onAccept: (socket) => socket.resetAndDestroy() })
      const result = await send('ok')
      expect(['connect', 'reset']).toContain(result.kind === 'failure' ? result.code : result.status)
    })

    test('a receiver that accepts and never reads ends with the deadline', async () => {
      const { evil, send } = await setup({ onAccept: (socket) => socket.pause() })
      const body = Buffer.alloc(8_000_000)
      const result = await send('ok', { body, deadlineMs: DEADLINE_MS })
      expect(result).toMatchObject({ code: 'timeout', mayHaveBeenReceived: true })
      evil.hangUp()
    })

    ofOwnSockets('a fresh connection is none that was used', async () => {
      const { evil, send } = await setup()
      for (const freshConnection of [false, true, false]) await send('ok', { freshConnection })
      expect(evil.requests.map(({ connection }) => connection)).toEqual([1, 2, 2])
    })

    ofOwnSockets('a connection is used again', async () => {
      const { evil, send } = await setup()
      for (const mode of ['ok', 'no-content', '100-kilobytes', 'ok']) await send(mode)
      expect(evil.accepted).toBe(1)
    })

    ofOwnSockets('a connection closed while idle costs no request', async () => {
      const { evil, send } = await setup()
      await send('ok')
      evil.hangUp()
      await socketsClosed(evil)
      expect(await send('ok')).toMatchObject({ kind: 'response' })
    })

    test('a closed transport aborts what is in flight and leaves no socket', async () => {
      const { transport, evil, send } = await setup()
      await send('ok')
      const pending = send('silent')
      while (evil.requests.length < 2) await new Promise(setImmediate)
      await transport.close()
      await transport.close()
      expect(await pending).toMatchObject({ code: 'aborted', mayHaveBeenReceived: true })
      await socketsClosed(evil)
      expect(await send('ok')).toMatchObject({ code: 'aborted', mayHaveBeenReceived: false })
    })
  })

  describe(`${name}: signals and deadlines`, () => {
    test('a signal ends the attempt', async () => {
      const { evil, send } = await setup()
      const stop = new AbortController()
      const pending = send('silent', { signal: stop.signal })
      while (evil.requests.length < 1) await new Promise(setImmediate)
      stop.abort()
      expect(await pending).toMatchObject({ code: 'aborted', mayHaveBeenReceived: true })
      await socketsClosed(evil)
    })

    test('one signal ends all attempts that share it', async () => {
      const { evil, send } = await setup()
      const stop = new AbortController()
      const all = Array.from({ length: 20 }, () => send('silent', { signal: stop.signal }))
      while (evil.requests.length < 20) await new Promise(setImmediate)
      stop.abort()
      for (const result of await Promise.all(all)) expect(result).toMatchObject({ code: 'aborted' })
    })

    test('a signal that has aborted before sends nothing', async () => {
      const { evil, send } = await setup()
      const result = await send('ok', { signal: AbortSignal.abort() })
      expect(result).toMatchObject({ code: 'aborted', mayHaveBeenReceived: false })
      expect(evil.accepted).toBe(0)
    })

    test('a deadline that has passed sends nothing', async () => {
      const { evil, send } = await setup()
      expect(await send('ok', { deadlineMs: 0 })).toMatchObject({
        code: 'timeout',
        mayHaveBeenReceived: false,
      })
      expect(evil.accepted).toBe(0)
    })
  })

  describe(`${name}: requests that cannot be sent`, () => {
    test.each([
      ['a URL without a scheme', { url: 'example.com/x' }],
      ['another scheme', { url: 'ftp://example.com/' }],
      ['credentials in the URL', { url: 'http://a:b@127.0.0.1/' }],
      ['a line break in a header', { headers: { 'x-a': 'b\r\nx-c: d' } }],
      ['a character beyond Latin-1 in a header', { headers: { 'x-a': '🦊' } }],
      ['a space in a header name', { headers: { 'x a': 'b' } }],
      ['a header of the transport', { headers: { 'transfer-encoding': 'chunked' } }],
      ['a content length', { headers: { 'Content-Length': '3' } }],
      ['one header in two spellings', { headers: { 'x-a': '1', 'X-A': '2' } }],
    ])('%s is an invalid request', async (_what, request) => {
      const { evil, send } = await setup()
      const result = await send('ok', request)
      expect(result).toMatchObject({ code: 'invalid-request', mayHaveBeenReceived: false })
      expect(evil.requests).toHaveLength(0)
    })

    test('no message shows a header value, a query or an address', async () => {
      const { evil, send } = await setup()
      const url = `${evil.url('reset-after-request')}?token=s3cret`
      await evil.close()
      const results = [await send('', { url }), await send('ok', { headers: { 'x-a': 's3cret\n' } })]
      for (const result of results) {
        expect(result.kind === 'failure' && result.message).not.toMatch(/s3cret|127\.0\.0\.1|\d{4,5}/)
      }
    })
  })

  tlsContract(options)
}

function expectClean(result: TransportResult): void {
  if (result.kind !== 'response') return
  expect(result.excerpt).not.toContain('\0')
  expect(Buffer.from(result.excerpt).toString()).toBe(result.excerpt)
  expect(Buffer.byteLength(result.excerpt)).toBeLessThanOrEqual(16_384)
}
