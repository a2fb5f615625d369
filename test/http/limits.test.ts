/** Tests 70 and 71: what is too much is refused early, and a cursor that was touched shows nothing. */
import { describe, expect, it } from 'vitest'
import { BODY_TIMEOUT_MS } from '../../src/http/request-body.ts'
import { api, read } from './setup.ts'

const url = 'https://receiver.example/hook'
const headers = { 'x-caller': 'tenant acme', 'content-type': 'application/json' }

function post(body: BodyInit, extra: Record<string, string> = {}) {
  const init = { method: 'POST', headers: { ...headers, ...extra }, body, duplex: 'half' }
  return new Request('http://api.test/subscriptions', init as RequestInit)
}

/** A body of `count` pieces, and how many of them were asked for. */
function pieces(count: number, piece: Uint8Array) {
  let given = 0
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (given++ < count) controller.enqueue(piece)
      else controller.close()
    },
  })
  return { stream, given: () => given }
}

describe('a body', () => {
  it('of 10 MB is 413, whether it says so or not, and is not read to the end', async () => {
    const { handler } = api()
    const said = await handler(post('x'.repeat(10_000_000), { 'content-length': '10000000' }))
    expect(said.status).toBe(413)
    const { stream, given } = pieces(10_000, new Uint8Array(1024))
    const unsaid = await read(await handler(post(stream)))
    expect(unsaid).toMatchObject({ status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } })
    expect(given()).toBeLessThan(1_100)
  })

  it('of exactly the limit is read', async () => {
    const body = JSON.stringify({ url })
    const { handler } = api({ maxBodyBytes: body.length })
    expect((await handler(post(body))).status).toBe(201)
    expect((await handler(post(`${body} `))).status).toBe(413)
  })

  it('that trickles is 408 after ten seconds, however often it drips', async () => {
    const { handler, clock } = api()
    let cancelled = false
    let drip = (_: Uint8Array) => {}
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        drip = (bytes) => controller.enqueue(bytes)
      },
      cancel() {
        cancelled = true
      },
    })
    const answer = handler(post(stream))
    for (let second = 0; second * 1_000 < BODY_TIMEOUT_MS; second++) {
      drip(new Uint8Array([0x20]))
      await clock.advance(1_000)
    }
    expect((await read(await answer)).body.code).toBe('REQUEST_TIMEOUT')
    expect(cancelled).toBe(true)
  })

  it.each([
    ['arrays', `{"url":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
    ['objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`],
    ['arrays without end', '['.repeat(100_000)],
  ])('of %s 10,000 deep is 400', async (_name, body) => {
    const { handler } = api()
    expect((await read(await handler(post(body)))).status).toBe(400)
  })

  it('with brackets in text is not deep', async () => {
    const { handler } = api()
    const body = JSON.stringify({ url, name: `"\\${'['.repeat(200)}` })
    expect((await handler(post(body))).status).toBe(201)
  })

  it.each([
    ['no JSON', '{"url":'],
    ['two values', '{} {}'],
    ['broken UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
    ['a byte order mark and nothing else', new Uint8Array([0xef, 0xbb, 0xbf])],
    ['a prototype', '{"url":"https://receiver.example/","__proto__":{"tenantId":"other"}}'],
    ['a constructor', '{"url":"https://receiver.example/","constructor":{}}'],
  ])('of %s is 400', async (_name, body) => {
    const { handler } = api()
    expect((await read(await handler(post(body)))).status).toBe(400)
  })

  it.each([
    ['application/json', 201],
    ['application/json; charset=utf-8', 201],
    ['APPLICATION/JSON;charset="UTF-8"', 201],
    ['application/json; charset=utf-16', 415],
    ['application/jsonp', 415],
    ['text/json', 415],
    ['application/x-www-form-urlencoded, application/json', 415],
  ])('of type %s is %s', async (type, status) => {
    const { handler } = api()
    expect((await handler(post(JSON.stringify({ url }), { 'content-type': type }))).status).toBe(status)
  })

  it('that is compressed is 415', async () => {
    const { handler } = api()
    expect((await handler(post('{}', { 'content-encoding': 'gzip' }))).status).toBe(415)
  })
})

describe('headers', () => {
  it('in thousands, or very long, are 431', async () => {
    const { handler } = api()
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`x-${n}`, 'v']))
    const long = { 'x-long': 'v'.repeat(40_000) }
    for (const extra of [many, long]) {
      const request = new Request('http://api.test/subscriptions', { headers: { ...headers, ...extra } })
      expect(await read(await handler(request))).toMatchObject({
        status: 431,
        body: { code: 'HEADERS_TOO_LARGE' },
      })
    }
  })
})

describe('a thousand calls at once', () => {
  it('are all answered', async () => {
    const { call } = api()
    const statuses = await Promise.all(
      Array.from({ length: 1_000 }, async (_, n) => {
        const answer =
          n % 2 ? call('GET', '/subscriptions') : call('POST', '/subscriptions', { json: { url } })
        return (await answer).status
      }),
    )
    expect(new Set(statuses)).toEqual(new Set([200, 201]))
  })
})

describe('a cursor', () => {
  it('that was tampered with is 400 a thousand times, and never a foreign row', async () => {
    const { call, subscribe } = api()
    for (let n = 0; n < 3; n++) await subscribe('acme')
    await subscribe('other', { name: 'obviously-foreign' })
    const { body } = await call('GET', '/subscriptions?limit=1')
    const cursor = String(body.nextCursor)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~%!'
    for (let n = 0; n < 1_000; n++) {
      const at = n % cursor.length
      const changed = alphabet[(n * 7) % alphabet.length] ?? 'A'
      const kinds = [
        cursor.slice(0, at) + changed + cursor.slice(at + 1),
        cursor.slice(0, at),
        cursor.slice(0, at) + changed + cursor.slice(at),
        `${cursor}${changed}`,
        cursor.split('').reverse().join(''),
      ]
      const tampered = kinds[n % kinds.length] ?? ''
      if (tampered === cursor) continue
      const answer = await call('GET', `/subscriptions?limit=1&cursor=${encodeURIComponent(tampered)}`)
      expect([tampered, answer.status, answer.body.code]).toEqual([tampered, 400, 'INVALID_CURSOR'])
      expect(answer.text).not.toContain('obviously-foreign')
    }
  })

  it('of another tenant shows one’s own rows only', async () => {
    const { call, subscribe } = api()
    for (let n = 0; n < 2; n++) await subscribe('other', { name: 'obviously-foreign' })
    await subscribe('acme')
    const { body } = await call('GET', '/subscriptions?limit=1', { as: 'tenant other' })
    for (const list of ['subscriptions', 'deliveries', 'attempts', 'events']) {
      const answer = await call('GET', `/${list}?cursor=${body.nextCursor}`)
      expect(answer.text).not.toContain('obviously-foreign')
      expect((await call('GET', `/${list}?cursor=x`)).body.code).toBe('INVALID_CURSOR')
    }
  })
})
