/** Whatever is sent, `verify` answers with its own error, and nothing that was changed gets through. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ed25519,
  github,
  hmac,
  shopify,
  signRequest,
  slack,
  standardWebhooks,
  stripe,
  svix,
  VerificationError,
  verify,
} from '../../src/signing/index.js'
import { schemeFrom } from '../../src/signing/scheme-from.js'
import { generateSecret } from '../../src/signing/secrets.js'

const schemes = [
  standardWebhooks(),
  svix(),
  ed25519(),
  github(),
  stripe(),
  shopify(),
  slack(),
  hmac({ header: 'x-outpost-signature', prefix: 'v0=', format: 'list' }),
].map((scheme) => ({ scheme, ...generateSecret(scheme) }))

const names = [
  ...['id', 'timestamp', 'signature'].flatMap((part) => [`webhook-${part}`, `svix-${part}`]),
  ...['x-hub-signature-256', 'stripe-signature', 'x-shopify-hmac-sha256', 'x-slack-signature'],
  ...['x-slack-request-timestamp', 'x-outpost-signature', 'get', '__proto__', 'constructor'],
]
const signatureLike = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom(
    'v1,',
    't=',
    't=1,v1=',
    'sha256=',
    'v0=',
    ',',
    ' ',
    'v1,v1,v1,',
    'é'.repeat(64),
    'v1a,'.repeat(9),
  ),
  fc.base64String({ minLength: 44, maxLength: 44 }).map((one) => `v1,${one} v1a,${one}`),
  fc.stringMatching(/^[0-9a-f]{64}$/).map((one) => `t=1750000000,v1=${one}`),
  fc.constant('1750000000'),
)
const header = fc.oneof(signatureLike, fc.array(signatureLike, { maxLength: 40 }), fc.anything())
const headers = fc.oneof(
  { weight: 5, arbitrary: fc.dictionary(fc.constantFrom(...names), header) },
  fc.anything(),
)

const refusal = async (outcome: Promise<unknown>): Promise<void> => {
  const error = await outcome.then(
    () => 'accepted',
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(VerificationError)
}

describe('hostile input', () => {
  it('is refused with a VerificationError, under every scheme', async () => {
    await fc.assert(
      fc.asyncProperty(headers, fc.anything(), fc.constantFrom(...schemes), async (sent, body, held) => {
        const request = { headers: sent as Record<string, string>, body }
        const options = { secret: held.publicKey ?? held.secret, scheme: held.scheme, now: 1_750_000_000 }
        await refusal(verify(request, options))
      }),
      { numRuns: 1_500 },
    )
  })

  it('is refused as a secret, too', async () => {
    const request = await signRequest({ data: 1 }, { secret: generateSecret(standardWebhooks()).secret })
    await fc.assert(
      fc.asyncProperty(fc.anything(), fc.constantFrom(...schemes), async (secret, { scheme }) => {
        await refusal(verify(request, { secret: secret as string, scheme }))
      }),
      { numRuns: 500 },
    )
  })

  it('is refused as a stored scheme with a typed error', () => {
    const spec = fc.oneof(
      fc.anything(),
      fc.record({
        scheme: fc.constantFrom('hmac', 'unsigned', 'ed25519', 'standard-webhooks'),
        prefix: fc.anything(),
      }),
      fc.dictionary(
        fc.constantFrom('scheme', 'header', 'prefix', 'content', 'format', 'idHeader'),
        fc.anything(),
      ),
    )
    fc.assert(
      fc.property(spec, (stored) => {
        try {
          expect(schemeFrom(stored).spec.scheme).toBeTypeOf('string')
        } catch (error) {
          expect(error).toHaveProperty('name', 'SigningError')
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

describe.each(schemes)(
  'under $scheme.spec.scheme $scheme.spec.header',
  ({ scheme, secret, publicKey = secret }) => {
    const bytes = fc.uint8Array({ maxLength: 200 })

    it('any bytes that were signed are accepted', async () => {
      await fc.assert(
        fc.asyncProperty(bytes, async (body) => {
          const request = await signRequest({ body }, { secret, scheme })
          expect((await verify(request, { secret: publicKey, scheme })).body).toEqual(body)
        }),
        { numRuns: 40 },
      )
    })

    it('a changed body or a changed header is refused', async () => {
      await fc.assert(
        fc.asyncProperty(bytes, fc.nat(), fc.integer({ min: 1, max: 255 }), async (body, position, flip) => {
          const request = await signRequest({ body }, { secret, scheme })
          const changed = Uint8Array.from([...request.body, 0])
          changed[position % changed.length] = (changed[position % changed.length] ?? 0) ^ flip
          await refusal(verify({ headers: request.headers, body: changed }, { secret: publicKey, scheme }))

          const signatureHeader =
            Object.keys(request.headers).find((name) => /signature|hmac/.test(name)) ?? ''
          const value = request.headers[signatureHeader] ?? ''
          // The last character of base64 may be padding, and the first ones a version: flip one in between.
          const at = 6 + (position % (value.length - 12))
          const other = value[at] === 'a' ? 'b' : 'a'
          const forged = value.slice(0, at) + other + value.slice(at + 1)
          await refusal(
            verify(
              { headers: { ...request.headers, [signatureHeader]: forged }, body: request.body },
              { secret: publicKey, scheme },
            ),
          )
        }),
        { numRuns: 40 },
      )
    })
  },
)
