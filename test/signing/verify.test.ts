/** What a receiver sees: what is accepted, what is proven, and which mistake each error names. */

import { describe, expect, it } from 'vitest'
import {
  ed25519,
  github,
  hmac,
  signRequest,
  slack,
  standardWebhooks,
  stripe,
  svix,
  VerificationError,
  type VerifyOptions,
  verify,
} from '../../src/signing/index.js'
import { unsigned } from '../../src/signing/unsigned.js'

const secret = `whsec_${btoa('obviously-fake-secret-of-a-test!')}`
const otherSecret = `whsec_${btoa('another-fake-secret-of-the-test!')}`
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

describe('the secret', () => {
  it.each<[string, unknown, string]>([
    ['undefined', undefined, 'secret-missing'],
    ['null', null, 'secret-missing'],
    ['empty', '', 'secret-missing'],
    ['only a prefix', 'whsec_', 'secret-not-base64'],
    ['not base64', 'whsec_!!!!', 'secret-not-base64'],
    ['cut to one character', 'w', 'secret-not-base64'],
    ['with a line end', `${secret}\n`, 'secret-whitespace'],
    ['with a space inside', secret.replace('a', ' a'), 'secret-whitespace'],
    ['a signature', 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=', 'secret-is-signature'],
    ['a private key', `whsk_${btoa('x'.repeat(64))}`, 'secret-wrong-kind'],
    ['a public key', `whpk_${btoa('x'.repeat(32))}`, 'secret-wrong-kind'],
    ['misspelt', secret.replace('whsec', 'hwsec'), 'secret-not-base64'],
  ])('is refused when it is %s', async (_, wrong, code) => {
    const { headers } = await signed()
    expect(await codeOf(check(headers, { secret: wrong as string }))).toBe(code)
    expect(await codeOf(check(headers, { secrets: [secret, wrong as string] }))).toBe(code)
  })

  it('is never in a message', async () => {
    const { headers } = await signed()
    for (const wrong of [`${secret} `, `${secret}!`, otherSecret, 'v1,leak', 'whsk_leak']) {
      const error = await check(headers, { secret: wrong }).catch((reason: Error) => reason)
      expect(String(error)).not.toContain(wrong)
      expect(String(error)).not.toMatch(/leak|b2J2|YW5v/)
      expect((error as Error).cause).toBeUndefined()
    }
  })

  it('may lack its prefix and its padding', async () => {
    const { headers } = await signed()
    await check(headers, { secret: secret.slice(6) })
    await check(headers, { secret: secret.replace(/=+$/, '') })
  })

  it('may be one of several, and the result says which', async () => {
    const { headers } = await signed()
    const event = await check(headers, { secrets: [otherSecret, secret] })
    expect(event.secretIndex).toBe(1)
    expect(await codeOf(check(headers, { secret: otherSecret }))).toBe('no-match')
    expect(await codeOf(check(headers, { secrets: [] }))).toBe('no-match')
  })

  it('of another scheme is refused under Ed25519, and so are keys under which anything verifies', async () => {
    const { headers } = await signed()
    const scheme = ed25519()
    const identity = `whpk_${btoa(`\x01${'\0'.repeat(31)}`)}`
    const identityWithSign = `whpk_${btoa(`\x01${'\0'.repeat(30)}\x80`)}`
    for (const wrong of [
      secret,
      `whsk_${btoa('x'.repeat(64))}`,
      identity,
      identityWithSign,
      `whpk_${btoa('short')}`,
    ])
      expect(await codeOf(check(headers, { scheme, secret: wrong }))).toBe('secret-wrong-kind')
    expect(await codeOf(check(headers, { scheme, secret: btoa('x'.repeat(32)) }))).toBe('secret-wrong-kind')
    expect(await codeOf(check(headers, { scheme, secret: '' }))).toBe('secret-missing')
  })

  it('of a text scheme is refused when it is empty, padded with white space, a signature or an Ed25519 key', async () => {
    const scheme = github()
    const at = (wrong: string) => codeOf(check({}, { scheme, secret: wrong }))
    expect(await at('')).toBe('secret-missing')
    expect(await at('fake\n')).toBe('secret-whitespace')
    expect(await at('v1,abc')).toBe('secret-is-signature')
    expect(await at(`whpk_${btoa('x'.repeat(32))}`)).toBe('secret-wrong-kind')
  })
})

describe('the signatures', () => {
  it('are refused before any hashing when there are more than 32', async () => {
    const { headers } = await signed()
    const right = headers['webhook-signature'] ?? ''
    const wrong = Array.from({ length: 31 }, () => 'v1,x')
    await check({ ...headers, 'webhook-signature': [...wrong, right].join(' ') })
    const tooMany = ['v1,x', ...wrong, right].join(' ')
    expect(await codeOf(check({ ...headers, 'webhook-signature': tooMany }))).toBe('too-many-signatures')
  })

  it('are refused when there are more than four of Ed25519', async () => {
    const { headers } = await signed()
    const five = Array.from({ length: 5 }, () => `v1a,${'A'.repeat(86)}==`).join(' ')
    const options = { scheme: ed25519(), secret: 'whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=' }
    expect(await codeOf(check({ ...headers, 'webhook-signature': five }, options))).toBe(
      'too-many-signatures',
    )
  })

  it('never match with another case, another alphabet, without padding or cut short', async () => {
    const { headers } = await signed()
    const right = headers['webhook-signature'] ?? ''
    const wrong = [
      right.slice(0, -1),
      right.slice(0, 8),
      right.toUpperCase(),
      right.replace('v1,', 'v2,'),
      `${right}=`,
    ]
    for (const one of wrong)
      expect(await codeOf(check({ ...headers, 'webhook-signature': one }))).toBe('no-match')
  })

  it('may not be doubled, nor carry two timestamps, where a scheme has one place for them', async () => {
    const byGitHub = await signRequest({ body: json }, { secret: 'fake', scheme: github() })
    const one = byGitHub.headers['x-hub-signature-256'] ?? ''
    const doubled = { headers: { 'x-hub-signature-256': `${one}, ${one}` }, body: json }
    expect(await codeOf(verify(doubled, { secret: 'fake', scheme: github() }))).toBe('header-ambiguous')

    const byStripe = await signRequest({ body: json, timestamp }, { secret: 'fake', scheme: stripe() })
    const value = byStripe.headers['stripe-signature'] ?? ''
    const atStripe = (header: string) =>
      codeOf(check({ 'stripe-signature': header }, { secret: 'fake', scheme: stripe() }))
    expect(await atStripe(`t=1,${value}`)).toBe('header-ambiguous')
    expect(await atStripe(value.replace(/^t=\d+,/, ''))).toBe('header-missing')
    expect(await atStripe(value.replace('v1=', 'v0='))).toBe('no-match')
  })

  it('do not exist for unsigned(), which cannot be verified', async () => {
    expect(await codeOf(check({}, { scheme: unsigned(), secret: 'fake' }))).toBe('scheme-cannot-verify')
  })

  it('of Slack have a timestamp of their own header', async () => {
    const request = await signRequest({ body: 'a=1', timestamp }, { secret: 'fake', scheme: slack() })
    expect((await verify(request, { secret: 'fake', scheme: slack(), now })).timestamp).toBe(timestamp)
  })
})

describe('signRequest', () => {
  it('makes the body and the time of an event on its own', async () => {
    const request = await signRequest({ type: 'order.paid', data: { orderId: '7' } }, { secret })
    const event = await verify(request, { secret, scheme: standardWebhooks() })
    expect(event.type).toBe('order.paid')
    expect(event.data).toEqual({ orderId: '7' })
    expect(event.id).toMatch(/^msg_[\w-]+$/)
  })
})
