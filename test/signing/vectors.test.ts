/** The reference vectors: published values, cases of other libraries' suites, and known pitfalls. */

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ed25519 } from '../../src/signing/ed25519.js'
import { hmac } from '../../src/signing/hmac.js'
import { github, shopify, slack, stripe } from '../../src/signing/presets.js'
import type { Scheme } from '../../src/signing/scheme.js'
import { validateSecret } from '../../src/signing/secrets.js'
import { createSigner } from '../../src/signing/sign.js'
import { standardWebhooks } from '../../src/signing/standard-webhooks.js'
import { svix } from '../../src/signing/svix.js'
import { VerificationError } from '../../src/signing/verification-error.js'
import { verify } from '../../src/signing/verify.js'

interface Vector {
  readonly n: number
  readonly scheme: string
  readonly why: string
  readonly expect: 'valid' | 'invalid'
  readonly secret?: string
  readonly secrets?: readonly string[]
  readonly secretHex?: string
  readonly privateKey?: string
  readonly body?: string
  readonly bodyBase64?: string
  readonly headers?: Record<string, string | string[]>
  readonly now?: number
  readonly tolerance?: number
  readonly signedContent?: string
  readonly signedContentHex?: string
  readonly signature?: string
  readonly computed?: string
}

const vectors: readonly Vector[] = JSON.parse(
  readFileSync(new URL('../fixtures/vectors.json', import.meta.url), 'utf8'),
)

/** How each family is said with what we ship. */
const schemes: Record<string, (vector: Vector) => Scheme> = {
  'standard-webhooks-v1': () => standardWebhooks(),
  'standard-webhooks-v1a': () => ed25519(),
  'svix-v1': svix,
  'github-sha256': github,
  'stripe-v1': stripe,
  'slack-v0': slack,
  'shopify-base64': shopify,
  'sha256-hex-prefixed': () => hmac({ header: 'x-webhook-signature-256', prefix: 'sha256=' }),
  'plain-hex': ({ headers = {} }) => hmac({ header: Object.keys(headers)[0] ?? '' }),
  'outpost-v0': () => hmac({ header: 'x-outpost-signature', prefix: 'v0=', format: 'list' }),
  'convoy-simple-sha256-hex': () => hmac({ header: 'x-convoy-signature' }),
}

/** Families without a scheme here. Each is a decision: a sender never needs it, or it is legacy. */
const notShipped: Record<string, string> = {
  'hmac-md5-raw': 'MD5 is legacy',
  square: 'signs the URL: receivers of Square only',
  'twilio-sha1': 'SHA-1 over URL and form: receivers of Twilio only',
  'convoy-simple-sha512-hex': 'SHA-512',
  'convoy-simple-sha512-base64': 'SHA-512',
  'convoy-advanced-sha256-hex': 'numbered versions and a comma before the body: Convoy only',
  'convoy-advanced-sha256-base64': 'as above',
  'convoy-advanced-sha512-hex': 'as above',
  'convoy-advanced-sha512-base64': 'as above',
  hook0: 'signs chosen headers: Hook0 only',
  'rfc9421-hmac-sha256': 'no webhook receiver library expects HTTP message signatures yet',
  'rfc9421-ed25519': 'as above',
  'rfc9530-content-digest': 'as above',
}

const bytesOf = ({ body, bodyBase64 }: Vector): Uint8Array =>
  bodyBase64 === undefined ? Buffer.from(body ?? '', 'utf8') : Buffer.from(bodyBase64, 'base64')

const secretsOf = ({ secrets, secret }: Vector): readonly string[] => secrets ?? [secret ?? '']

const check = (vector: Vector, scheme: Scheme) =>
  verify(
    { headers: vector.headers ?? {}, body: bytesOf(vector) },
    {
      scheme,
      secrets: secretsOf(vector),
      // The file says -1 for "off".
      tolerance: vector.tolerance === -1 ? Number.POSITIVE_INFINITY : (vector.tolerance ?? 300),
      ...(vector.now === undefined ? {} : { now: vector.now }),
    },
  )

describe('every family of the reference', () => {
  it('is either shipped or named with the reason why not', () => {
    const known = [...Object.keys(schemes), ...Object.keys(notShipped), 'secret-policy', 'hmac-sha256-raw']
    expect(
      [...new Set(vectors.map((vector) => vector.scheme))].filter((one) => !known.includes(one)),
    ).toEqual([])
  })
})

for (const [family, schemeOf] of Object.entries(schemes)) {
  const cases = vectors.filter((vector) => vector.scheme === family)
  describe.runIf(cases.length > 0)(family, () => {
    it.each(cases)('$n is $expect: $why', async (vector) => {
      const outcome = check(vector, schemeOf(vector))
      if (vector.expect === 'invalid') return expect(outcome).rejects.toBeInstanceOf(VerificationError)
      const verified = await outcome
      expect(Buffer.from(verified.body).equals(bytesOf(vector))).toBe(true)
    })
  })
}

describe('what we sign', () => {
  const valid = vectors.filter(
    (vector) => vector.expect === 'valid' && schemes[vector.scheme] && vector.computed && !vector.secrets,
  )
  it.each(valid)('is the computed signature of $n ($scheme)', async (vector) => {
    const scheme = schemes[vector.scheme]?.(vector) as Scheme
    const header = (part: string) =>
      Object.entries(vector.headers ?? {}).find(([name]) => name.toLowerCase().endsWith(part))?.[1]
    const embedded = /t=(\d+)/.exec(String(header('stripe-signature')))?.[1]
    const headers = await createSigner([
      { scheme, secrets: vector.privateKey ? [vector.privateKey] : secretsOf(vector) },
    ])({
      id: [header('-id')].flat()[0] ?? 'msg_1',
      timestamp: Number(embedded ?? [header('-timestamp')].flat()[0] ?? 1),
      type: 'test',
      body: bytesOf(vector),
    })
    expect(Object.values(headers)).toContain(vector.computed)
  })
})

describe('hmac-sha256-raw', () => {
  it.each(vectors.filter((vector) => vector.scheme === 'hmac-sha256-raw'))('$n: $why', async (vector) => {
    const { secretHex, secret = '', signedContentHex, signedContent = '', signature = '' } = vector
    // A key that is no text is given as base64, and never guessed to be so.
    const scheme = hmac({ header: 'x-signature', secretEncoding: secretHex ? 'base64' : 'utf8' })
    const body = signedContentHex ? Buffer.from(signedContentHex, 'hex') : signedContent
    const key = secretHex ? Buffer.from(secretHex, 'hex').toString('base64') : secret
    const verified = await verify({ headers: { 'x-signature': signature }, body }, { scheme, secret: key })
    expect(verified.secretIndex).toBe(0)
  })
})

describe('secret-policy', () => {
  it.each(vectors.filter((vector) => vector.scheme === 'secret-policy'))('$n is $expect: $why', (vector) => {
    const issue = () => validateSecret(standardWebhooks(), vector.secret ?? '')
    if (vector.expect === 'valid') expect(issue).not.toThrow()
    else expect(issue).toThrow(/^the secret must have 24 to 64 bytes/)
  })
})
