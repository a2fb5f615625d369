/** What a receiver sees: what is accepted, what is proven, and which mistake each error names. */

import { describe, expect, it } from 'vitest'
import {
  hmac,
  signRequest,
  svix,
  VerificationError,
  type VerifyOptions,
  verify,
} from '../../src/signing/index.js'

const secret = `whsec_${btoa('obviously-fake-secret-of-a-test!')}`
const _otherSecret = `whsec_${btoa('another-fake-secret-of-the-test!')}`
const now = 1_750_000_000
const timestamp = now
const json = '{"type":"order.paid","timestamp":"2025-06-15T15:06:40Z","data":{"orderId":"1"}}'

const signed = (body: string | Uint8Array = json, at = timestamp) =>
  signRequest({ body, id: 'msg_1', timestamp: at }, { secret })

const check = async (
  headers: Record<string, unknown>,
  options: VerifyOptions = { secret },
  body: unknown = json,
) => verify({ headers: headers as Record<string, string>, body }, { now, ...options })

const codeOf = async (outcome: Promise<unknown>): Promise<string> => {
  const error = await outcome.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(VerificationError)
  return (error as VerificationError).code
}

describe('a verified webhook', () => {
  it('carries id, timestamp, type, data, the bytes and which secret matched', async () => {
    const { headers, body } = await signed()
    const event = await verify<{ orderId: string }>({ headers, body }, { secret, now })
    expect(event).toMatchObject({ id: 'msg_1', timestamp, secretIndex: 0 })
    expect(event.type).toBe('order.paid')
    expect(event.data.orderId).toBe('1')
    expect(event.body).toEqual(body)
  })

  it('has the same data object on every access', async () => {
    const event = await verify(await signed(), { secret, now })
    expect(event.data).toBe(event.data)
  })

  it('has the whole body as data when the body is flat', async () => {
    const flat = '{"event":"job.completed","job_id":"j1"}'
    const event = await verify(await signed(flat), { secret, now })
    expect(event.data).toEqual({ event: 'job.completed', job_id: 'j1' })
    expect(event.type).toBeUndefined()
  })

  it('takes the type of a flat body from the event header of the scheme', async () => {
    const scheme = hmac({ header: 'x-webhook-signature', eventHeader: 'x-event-type' })
    const request = await signRequest(
      { body: '{"job_id":"j1"}', type: 'job.completed' },
      { secret: 'fake', scheme },
    )
    const event = await verify(request, { secret: 'fake', scheme })
    expect(event.type).toBe('job.completed')
    expect(event.id).toBeUndefined()
    expect(event.timestamp).toBeUndefined()
  })

  it.each(['null', '0', '[]', '"text"', '{"type":1,"data":2}', '{"type":"x"}'])(
    'has %s as its data',
    async (body) => {
      const event = await verify(await signed(body), { secret, now })
      expect(event.data).toEqual(JSON.parse(body))
      expect(event.type).toBeUndefined()
    },
  )

  it('verifies a body that is no JSON, and says so only when data is read', async () => {
    const event = await verify(await signed('a=1&b=2'), { secret, now })
    expect(new TextDecoder().decode(event.body)).toBe('a=1&b=2')
    expect(() => event.data).toThrow(expect.objectContaining({ code: 'not-json' }))
    expect(() => event.type).toThrow(expect.objectContaining({ code: 'not-json' }))
    expect(() => event.data).not.toThrow(/a=1/)
  })

  it('may be empty', async () => {
    const event = await verify(await signed(''), { secret, now })
    expect(event.body.length).toBe(0)
  })
})

describe('the body', () => {
  it.each<[string, (bytes: Uint8Array<ArrayBuffer>) => unknown]>([
    ['a string', () => json],
    ['a Uint8Array', (bytes) => bytes],
    ['a Buffer in a pool', (bytes) => Buffer.from(bytes)],
    ['a view with an offset', (bytes) => new Uint8Array([9, ...bytes, 9]).subarray(1, -1)],
    ['an ArrayBuffer', (bytes) => bytes.buffer],
  ])('may be %s', async (_, bodyOf) => {
    const { headers, body } = await signed()
    const event = await verify({ headers, body: bodyOf(body) }, { secret, now })
    expect(event.data).toEqual({ orderId: '1' })
  })

  it('may be a Request', async () => {
    const request = new Request('http://localhost/', { method: 'POST', ...(await signed()) })
    expect((await verify(request, { secret, now })).type).toBe('order.paid')
  })

  it('is taken from rawBody where a framework puts it there', async () => {
    const { headers, body } = await signed()
    const event = await verify(
      { headers, rawBody: Buffer.from(body), body: JSON.parse(json) },
      { secret, now },
    )
    expect(event.type).toBe('order.paid')
  })

  it.each<[string, unknown]>([
    ['a parsed object', JSON.parse(json)],
    ['an array', [1, 2]],
    ['missing', undefined],
    ['null', null],
    ['a number', 5],
    ['an object that poses as a buffer', { byteLength: 0, buffer: 1e9, slice: true }],
  ])('is refused when it is %s, with the fix', async (_, body) => {
    const { headers } = await signed()
    const outcome = verify({ headers, body }, { secret, now })
    expect(await codeOf(outcome)).toBe('body-not-raw')
    await expect(outcome).rejects.toThrow(/express\.raw\(\).*req\.text\(\).*rawBody/)
  })

  it('is refused when the Request was read before', async () => {
    const request = new Request('http://localhost/', { method: 'POST', ...(await signed()) })
    await request.json()
    expect(await codeOf(verify(request, { secret, now }))).toBe('body-not-raw')
  })
})

describe('the headers', () => {
  it.each<[string, (headers: Record<string, string>) => unknown]>([
    ['Headers', (headers) => new Headers(headers)],
    [
      'any object with get, as Headers of another realm are',
      (headers) => ({ get: (n: string) => headers[n] ?? null }),
    ],
    [
      'names in any case',
      (headers) => Object.fromEntries(Object.entries(headers).map(([n, v]) => [n.toUpperCase(), v])),
    ],
    ['lists of one', (headers) => Object.fromEntries(Object.entries(headers).map(([n, v]) => [n, [v]]))],
    ['a record without prototype', (headers) => Object.assign(Object.create(null), headers)],
  ])('may be %s', async (_, headersOf) => {
    const { headers, body } = await signed()
    const event = await verify({ headers: headersOf(headers) as Headers, body }, { secret, now })
    expect(event.id).toBe('msg_1')
  })

  it.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])('need %s', async (name) => {
    const { headers } = await signed()
    for (const absent of [undefined, '']) {
      const outcome = check({ ...headers, [name]: absent })
      expect(await codeOf(outcome)).toBe('header-missing')
      await expect(outcome).rejects.toThrow(name)
    }
  })

  it.each(['webhook-id', 'webhook-timestamp'])('must not have several %s', async (name) => {
    const { headers } = await signed()
    const value = headers[name] ?? ''
    for (const several of [[value, value], `${value}, ${value}`, `${value},${value}`])
      expect(await codeOf(check({ ...headers, [name]: several }))).toBe('header-ambiguous')
    expect(await codeOf(check({ ...headers, [name.toUpperCase()]: value }))).toBe('header-ambiguous')
  })

  it('must not have a full stop in the id, even if it is signed', async () => {
    const { headers } = await signed()
    expect(await codeOf(check({ ...headers, 'webhook-id': 'msg_1.2' }))).toBe('header-ambiguous')
  })

  it.each([
    (right: string, wrong: string) => [wrong, right],
    (right: string, wrong: string) => [right, wrong],
    (right: string, wrong: string) => `${wrong}, ${right}`,
    (right: string, wrong: string) => `${right}, ${wrong}`,
    (right: string, wrong: string) => `  ${wrong}  v2,x v1a,y ${right} `,
  ])('may have several signature lines, joined in any way (%#)', async (join) => {
    const { headers } = await signed()
    const right = headers['webhook-signature'] ?? ''
    const wrong = `v1,v${'A'.repeat(42)}=`
    await check({ ...headers, 'webhook-signature': join(right, wrong) })
  })

  it('may be svix-* or webhook-* when Svix is asked for, and only webhook-* otherwise', async () => {
    const bySvix = await signRequest({ body: json, timestamp }, { secret, scheme: svix() })
    expect(Object.keys(bySvix.headers)).toContain('svix-signature')
    await verify(bySvix, { secret, now, scheme: svix() })
    await verify(await signed(), { secret, now, scheme: svix() })
    expect(await codeOf(verify(bySvix, { secret, now }))).toBe('header-missing')
  })
})

describe('the timestamp', () => {
  it.each([
    [-300, 'accepted'],
    [300, 'accepted'],
    [-301, 'timestamp-too-old'],
    [301, 'timestamp-too-new'],
  ])('%i s off is %s by default', async (offset, result) => {
    const outcome = verify(await signed(json, now + offset), { secret, now })
    if (result === 'accepted') await outcome
    else expect(await codeOf(outcome)).toBe(result)
  })

  it('is not compared when the tolerance is Infinity, but still covered by the signature', async () => {
    const { headers, body } = await signed(json, 1)
    await verify({ headers, body }, { secret, now, tolerance: Number.POSITIVE_INFINITY })
    const moved = { ...headers, 'webhook-timestamp': '2' }
    expect(await codeOf(check(moved, { secret, tolerance: Number.POSITIVE_INFINITY }))).toBe('no-match')
  })

  it.each([Number.NaN, -1])(
    'refuses everything under a tolerance of %d, rather than nothing',
    async (tolerance) => {
      expect(
        (await codeOf(verify(await signed(), { secret, now, tolerance }))).startsWith('timestamp-too'),
      ).toBe(true)
    },
  )

  it('is compared with the clock of the machine when no time is given', async () => {
    const at = Math.floor(Date.now() / 1000)
    await verify(await signed(json, at), { secret })
    expect(await codeOf(verify(await signed(json, at - 400), { secret }))).toBe('timestamp-too-old')
  })

  it.each(['0', '-1', '1e9', '1750000000.0', ' 1750000000', '01750000000', '1750000000000', 'NaN', '٣'])(
    'is refused when it is %j',
    async (value) => {
      const { headers } = await signed()
      expect(await codeOf(check({ ...headers, 'webhook-timestamp': value }))).toBe('timestamp-invalid')
    },
  )
})
