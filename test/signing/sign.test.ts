/** What a sender sees: signers, stored schemes, several schemes at once, custom ones, and secrets. */

import { describe, expect, it } from 'vitest'
import { customScheme } from '../../src/signing/custom-scheme.js'
import { ed25519 } from '../../src/signing/ed25519.js'
import { needsSecret, ownedHeaders } from '../../src/signing/header-roles.js'
import { hmac } from '../../src/signing/hmac.js'
import { github, shopify, slack, stripe } from '../../src/signing/presets.js'
import type { CustomScheme, Scheme, SignatureHeaders } from '../../src/signing/scheme.js'
import { schemeFrom } from '../../src/signing/scheme-from.js'
import { generateSecret, validateSecret } from '../../src/signing/secrets.js'
import { createSigner } from '../../src/signing/sign.js'
import { standardWebhooks } from '../../src/signing/standard-webhooks.js'
import { svix } from '../../src/signing/svix.js'
import { unsigned } from '../../src/signing/unsigned.js'
import { verify } from '../../src/signing/verify.js'

const body = new TextEncoder().encode('{"type":"order.paid","timestamp":"2026-01-01T00:00:00Z","data":{}}')
const message = { id: 'evt_1', timestamp: 1_750_000_000, type: 'order.paid', body }
const now = message.timestamp

const acme: CustomScheme = {
  name: 'acme',
  headers: ['x-acme-token'],
  sign: ({ id }, [secret]) => ({ 'X-Acme-Token': `${id}/${secret?.length}` }),
}

const every: readonly [string, Scheme][] = [
  ['standardWebhooks()', standardWebhooks()],
  ['standardWebhooks({ prefix })', standardWebhooks({ prefix: 'acme' })],
  ['svix()', svix()],
  ['ed25519()', ed25519()],
  ['github()', github()],
  ['stripe()', stripe()],
  ['shopify()', shopify()],
  ['slack()', slack()],
  ['the API with an event header', hmac({ header: 'X-Webhook-Signature', eventHeader: 'X-Event-Type' })],
  ['the API with sha256=', hmac({ header: 'X-Webhook-Signature-256', prefix: 'sha256=' })],
  ['Outpost', hmac({ header: 'x-outpost-signature', prefix: 'v0=', format: 'list' })],
  [
    'an own list with id and timestamp',
    hmac({
      header: 'x-signature',
      prefix: 'v1,',
      encoding: 'base64',
      content: 'id.timestamp.body',
      format: 'spaced',
      secretEncoding: 'base64',
      idHeader: 'x-id',
      timestampHeader: 'x-timestamp',
    }),
  ],
]

const signWith = (scheme: Scheme, ...secrets: string[]) =>
  createSigner([{ scheme, secrets }])(message) as SignatureHeaders

const thrown = (run: () => unknown): { code?: string; message: string } => {
  try {
    run()
  } catch (error) {
    expect((error as Error).name).toBe('SigningError')
    return error as { code: string; message: string }
  }
  throw new Error('did not throw')
}
const codeOf = (run: () => unknown) => thrown(run).code

describe.each(every)('%s', (_, scheme) => {
  it('survives a database, and what it signs then is verified', async () => {
    const revived = schemeFrom(JSON.parse(JSON.stringify(scheme.spec)))
    expect(revived.spec).toEqual(scheme.spec)
    const { secret, publicKey = secret } = generateSecret(revived)
    const headers = signWith(revived, secret)
    expect((await verify({ headers, body }, { scheme, secret: publicKey, now })).body).toEqual(body)
  })

  it('writes only headers that it owns, all in lower case', () => {
    const headers = signWith(scheme, generateSecret(scheme).secret)
    expect(ownedHeaders(scheme).sort()).toEqual(Object.keys(headers).sort())
    for (const name of Object.keys(headers)) expect(name).toBe(name.toLowerCase())
  })

  it('signs at once, without a promise, where there is node:crypto', () => {
    expect(signWith(scheme, generateSecret(scheme).secret)).not.toBeInstanceOf(Promise)
  })

  it('issues secrets that it accepts, each another one', () => {
    const [one, other] = [generateSecret(scheme), generateSecret(scheme)]
    expect(one.secret).not.toBe(other.secret)
    validateSecret(scheme, one.secret)
  })

  it('needs a secret', () => {
    expect(needsSecret(scheme)).toBe(true)
    expect(codeOf(() => createSigner([{ scheme, secrets: [] }]))).toBe('secret-missing')
    expect(codeOf(() => createSigner([{ scheme, secrets: [''] }]))).toBe('secret-missing')
  })
})

describe('rotation', () => {
  const rotating = every.filter(([, { spec }]) => spec.scheme !== 'hmac' || spec.format !== 'single')
  it.each(rotating)('%s signs with all live secrets, the newest first', async (_, scheme) => {
    const [newest, old] = [generateSecret(scheme), generateSecret(scheme)]
    const headers = signWith(scheme, newest.secret, old.secret)
    for (const { secret, publicKey = secret } of [newest, old])
      await verify({ headers, body }, { scheme, secret: publicKey, now })
    const joined = Object.values(headers).join()
    const alone = Object.values(signWith(scheme, newest.secret)).join()
    expect(joined.startsWith(alone)).toBe(true)
  })

  it('has no room for old secrets in a header with a single signature, where only the newest signs', () => {
    expect(signWith(github(), 'newest-fake', 'old-fake')).toEqual(signWith(github(), 'newest-fake'))
  })

  it('keeps at most ten old secrets', () => {
    const secrets = Array.from({ length: 12 }, () => generateSecret(standardWebhooks()).secret)
    createSigner([{ scheme: standardWebhooks(), secrets: secrets.slice(1) }])
    expect(codeOf(() => createSigner([{ scheme: standardWebhooks(), secrets }]))).toBe('too-many-secrets')
  })
})

describe('several schemes on one subscription', () => {
  const pair = generateSecret(ed25519())
  const { secret } = generateSecret(standardWebhooks())

  it('share the list of Standard Webhooks, and each receiver finds its own', async () => {
    const sign = createSigner([
      { scheme: standardWebhooks(), secrets: [secret] },
      { scheme: ed25519(), secrets: [pair.secret] },
    ])
    const headers = await sign(message)
    expect(headers['webhook-signature']).toMatch(/^v1,\S{44} v1a,\S{88}$/)
    await verify({ headers, body }, { secret, now })
    await verify({ headers, body }, { scheme: ed25519(), secret: pair.publicKey ?? '', now })
  })

  it('may have nothing in common', async () => {
    const headers = await createSigner([
      { scheme: standardWebhooks(), secrets: [secret] },
      { scheme: github(), secrets: ['fake'] },
    ])(message)
    await verify({ headers, body }, { secret, now })
    await verify({ headers, body }, { scheme: github(), secret: 'fake' })
  })

  it('wait for a custom scheme that is asynchronous', async () => {
    const slow = customScheme({ ...acme, sign: async () => ({ 'x-acme-token': 'later' }) })
    const headers = createSigner([
      { scheme: standardWebhooks(), secrets: [secret] },
      { scheme: slow, secrets: ['fake'] },
    ])(message)
    expect(headers).toBeInstanceOf(Promise)
    expect(await headers).toMatchObject({ 'webhook-id': 'evt_1', 'x-acme-token': 'later' })
  })

  it.each<[string, Scheme, Scheme]>([
    ['signatures of one name', github(), hmac({ header: 'x-hub-signature-256' })],
    ['a signature in place of an id', standardWebhooks(), hmac({ header: 'webhook-id' })],
    ['an event in place of a signature', github(), unsigned({ eventHeader: 'x-hub-signature-256' })],
    ['a custom header', customScheme(acme), hmac({ header: 'x-acme-token' })],
  ])('must not both write %s', (_, one, other) => {
    const entries = [one, other].map((scheme) => ({
      scheme,
      secrets: needsSecret(scheme) ? [generateSecret(scheme).secret] : [],
    }))
    const error = thrown(() => createSigner(entries))
    expect(error.code).toBe('header-clash')
    expect(error.message).toMatch(/schemes ".+" and ".+" both write/)
  })

  it('are at least one', () => {
    expect(codeOf(() => createSigner([]))).toBe('scheme-invalid')
  })
})

describe('a message', () => {
  const sign = createSigner([{ scheme: github(), secrets: ['fake'] }])
  it.each([
    ['an id with a full stop', { id: 'evt.1' }],
    ['an id with a comma', { id: 'a,b' }],
    ['an empty id', { id: '' }],
    ['an endless id', { id: 'x'.repeat(256) }],
    ['a timestamp in fractions', { timestamp: 1.5 }],
    ['a timestamp in milliseconds', { timestamp: 1_750_000_000_000 }],
    ['no time', { timestamp: Number.NaN }],
    ['a type that cannot stand in a header', { type: 'a\r\nb: c' }],
    ['an empty type', { type: '' }],
  ])('is refused with %s', (_, wrong) => {
    expect(codeOf(() => sign({ ...message, ...wrong }))).toBe('message-invalid')
  })

  it('may have any type where no scheme sends it', () => {
    createSigner([{ scheme: standardWebhooks(), secrets: [generateSecret(standardWebhooks()).secret] }])({
      ...message,
      type: 'été',
    })
  })

  it('is neither changed nor kept', () => {
    const copy = body.slice()
    Object.freeze(message)
    sign(message)
    expect(body).toEqual(copy)
  })
})

describe('unsigned()', () => {
  it('sends nothing, or the headers that were asked for, and needs no secret', () => {
    expect(signWith(unsigned())).toEqual({})
    const scheme = unsigned({ idHeader: 'X-Id', timestampHeader: 'X-Time', eventHeader: 'X-Event' })
    expect(signWith(schemeFrom(JSON.parse(JSON.stringify(scheme.spec))))).toEqual({
      'x-id': 'evt_1',
      'x-time': '1750000000',
      'x-event': 'order.paid',
    })
    expect(needsSecret(scheme)).toBe(false)
    expect(codeOf(() => generateSecret(scheme))).toBe('secret-missing')
  })
})

describe('a custom scheme', () => {
  it('is revived by its name, and signs', () => {
    const stored = JSON.parse(JSON.stringify(customScheme(acme).spec))
    expect(stored).toEqual({ scheme: 'custom', name: 'acme' })
    expect(signWith(schemeFrom(stored, [acme]), 'fake')).toEqual({ 'x-acme-token': 'evt_1/4' })
    expect(ownedHeaders(schemeFrom(stored, [acme]))).toEqual(['x-acme-token'])
  })

  it('must be known where it is revived', () => {
    const error = thrown(() => schemeFrom({ scheme: 'custom', name: 'other' }, [acme]))
    expect(error.code).toBe('scheme-unknown')
    expect(error.message).toBe(
      'unknown scheme "other" (known: standard-webhooks, ed25519, hmac, unsigned, acme)',
    )
  })

  it.each<[string, () => SignatureHeaders]>([
    ['no headers', () => ({})],
    ['nothing', () => undefined as unknown as SignatureHeaders],
    ['a header that it did not declare', () => ({ 'x-other': '1' })],
    ['a value that breaks out of the header', () => ({ 'x-acme-token': 'a\r\nb: c' })],
  ])('never sends a request unsigned when it returns %s', (_, sign) => {
    expect(codeOf(() => signWith(customScheme({ ...acme, sign }), 'fake'))).toBe('message-invalid')
  })

  it.each<[string, Partial<CustomScheme>]>([
    ['the name of a built-in scheme', { name: 'hmac' }],
    ['a name with spaces', { name: 'my scheme' }],
    ['a header that is not a name', { headers: ['x acme'] }],
    ['a header of the message itself', { headers: ['content-length'] }],
    ['no headers', { headers: undefined as unknown as string[] }],
    ['no sign', { sign: undefined as unknown as CustomScheme['sign'] }],
  ])('is refused with %s', (_, wrong) => {
    expect(codeOf(() => customScheme({ ...acme, ...wrong }))).toBe('scheme-invalid')
  })

  it('may check and make its own secrets, and verify', async () => {
    const scheme = customScheme({
      ...acme,
      generateSecret: () => 'made-by-acme',
      validateSecret(secret) {
        if (secret !== 'made-by-acme') throw new RangeError('not ours')
      },
      verifier: {
        key: (secret) => secret,
        read: (header) => ({ signed: '', signatures: [header('x-acme-token') ?? ''] }),
        match: (key, { signatures }) => signatures[0] === `evt_1/${key.length}`,
      },
    })
    expect(generateSecret(scheme)).toEqual({ secret: 'made-by-acme' })
    expect(() => validateSecret(scheme, 'other')).toThrow('not ours')
    const headers = signWith(scheme, 'made-by-acme')
    expect((await verify({ headers, body }, { scheme, secret: 'made-by-acme' })).secretIndex).toBe(0)
  })
})
