/** What a store keeps of a scheme, and the secrets that schemes issue and refuse. */
import { describe, expect, it } from 'vitest'
import { ed25519 } from '../../src/signing/ed25519.js'
import { hmac } from '../../src/signing/hmac.js'
import type { HmacOptions } from '../../src/signing/hmac-options.js'
import { github, shopify, slack, stripe } from '../../src/signing/presets.js'
import type { CustomScheme, Scheme, SignatureHeaders } from '../../src/signing/scheme.js'
import { schemeFrom } from '../../src/signing/scheme-from.js'
import { generateSecret, publicKeyOf, validateSecret } from '../../src/signing/secrets.js'
import { createSigner } from '../../src/signing/sign.js'
import { standardWebhooks } from '../../src/signing/standard-webhooks.js'
import { svix } from '../../src/signing/svix.js'

const body = new TextEncoder().encode('{"type":"order.paid","timestamp":"2026-01-01T00:00:00Z","data":{}}')
const message = { id: 'evt_1', timestamp: 1_750_000_000, type: 'order.paid', body }
const _now = message.timestamp

const _acme: CustomScheme = {
  name: 'acme',
  headers: ['x-acme-token'],
  sign: ({ id }, [secret]) => ({ 'X-Acme-Token': `${id}/${secret?.length}` }),
}

const _every: readonly [string, Scheme][] = [
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

describe('a stored scheme', () => {
  const spec = github().spec
  it.each<[string, unknown, RegExp]>([
    ['null', null, /must be an object/],
    ['a text', 'github', /must be an object/],
    ['a list', [], /must be an object/],
    ['a field of a newer version', { ...spec, algorithm: 'sha512' }, /unknown field "algorithm" \(known: /],
    ['a missing field', { ...spec, content: undefined }, /content must be one of "body", /],
    ['another content', { ...spec, content: 'method.body' }, /content must be one of "body", /],
    ['another encoding', { ...spec, encoding: 'base32' }, /encoding must be one of "hex", "base64"/],
    ['another prefix type', { ...spec, prefix: 5 }, /prefix must be/],
    ['a prefix that is no header text', { ...spec, prefix: 'a\n' }, /prefix must be/],
    ['a header name that is none', { ...spec, header: 'x y' }, /header must be a header name/],
    ['a header of the message itself', { ...spec, header: 'content-type' }, /must not be "content-type"/],
    [
      'a prefix of header names that is none',
      { scheme: 'standard-webhooks', prefix: 'A B' },
      /prefix must be/,
    ],
    ['no prefix', { scheme: 'ed25519' }, /prefix must be/],
  ])('is refused when it is %s', (_, stored, text) => {
    const error = thrown(() => schemeFrom(stored))
    expect(error.code).toBe('scheme-invalid')
    expect(error.message).toMatch(text)
  })

  it.each([{}, { scheme: 'foo' }, { scheme: 5 }, { scheme: '__proto__' }, { scheme: 'toString' }])(
    'is refused when nobody knows it: %j',
    (stored) => {
      const error = thrown(() => schemeFrom(stored))
      expect(error.code).toBe('scheme-unknown')
      expect(error.message).toContain('known: standard-webhooks, ed25519, hmac, unsigned')
    },
  )
})

describe('the options of hmac()', () => {
  it.each<[HmacOptions, RegExp]>([
    [{ header: 'x', content: 'timestamp.body' }, /needs timestampHeader, or format "labelled"/],
    [{ header: 'x', content: 'id.timestamp.body', timestampHeader: 'y' }, /needs idHeader/],
    [{ header: 'x', format: 'labelled', prefix: 'v1=' }, /must sign it/],
    [{ header: 'x', format: 'labelled', prefix: 't=', content: 'timestamp.body' }, /other than "t="/],
    [{ header: 'x', format: 'list', prefix: 'a,' }, /must not contain a comma/],
    [{ header: 'x', idHeader: 'X' }, /header "x" is used twice/],
  ])('contradict each other in %j', (options, text) => {
    expect(thrown(() => hmac(options)).message).toMatch(text)
  })
})

describe('secrets', () => {
  it('of the default scheme are whsec_ and 32 random bytes', () => {
    expect(generateSecret(standardWebhooks()).secret).toMatch(/^whsec_[\w+/]{43}=$/)
  })

  it('of Ed25519 are a pair, whose public half can be shown again', () => {
    const { secret, publicKey } = generateSecret(ed25519())
    expect(publicKey).toMatch(/^whpk_[\w+/]{43}=$/)
    expect(publicKeyOf(secret)).toBe(publicKey)
    expect(codeOf(() => publicKeyOf(publicKey ?? ''))).toBe('secret-wrong-kind')
  })

  it('of Ed25519 are refused when their halves do not belong together', () => {
    const [one, other] = [generateSecret(ed25519()), generateSecret(ed25519())]
    const raw = (secret: string) => Buffer.from(secret.slice(5), 'base64')
    const mixed = Buffer.concat([raw(one.secret).subarray(0, 32), raw(other.secret).subarray(32)])
    const secret = `whsk_${mixed.toString('base64')}`
    expect(codeOf(() => createSigner([{ scheme: ed25519(), secrets: [secret] }]))).toBe('secret-wrong-kind')
  })

  it('may be of another length when they are only used, not issued', () => {
    const short = `whsec_${btoa('eighteen bytes long')}`
    expect(codeOf(() => validateSecret(standardWebhooks(), short))).toBe('secret-length')
    signWith(standardWebhooks(), short)
  })

  it.each<[string, Scheme, string, string]>([
    ['nothing', github(), '', 'secret-missing'],
    ['256 characters', github(), 'x'.repeat(256), 'secret-length'],
    ['white space around', github(), ' fake', 'secret-whitespace'],
    ['half a character', github(), 'fake\ud800', 'secret-wrong-kind'],
    ['a public key', standardWebhooks(), `whpk_${btoa('x'.repeat(32))}`, 'secret-wrong-kind'],
    ['no base64', standardWebhooks(), 'whsec_!', 'secret-not-base64'],
    ['a secret of the default scheme', ed25519(), `whsec_${btoa('x'.repeat(32))}`, 'secret-wrong-kind'],
  ])('with %s are refused, and never shown', (_, scheme, secret, code) => {
    const error = thrown(() => validateSecret(scheme, secret))
    expect(error.code).toBe(code)
    if (secret) expect(error.message).not.toContain(secret)
  })

  it('of a text scheme may have 255 characters of any script', () => {
    validateSecret(github(), '✓'.repeat(255))
    validateSecret(github(), "It's a Secret to Everybody")
  })
})
