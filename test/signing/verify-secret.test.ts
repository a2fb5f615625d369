/** Which secrets and signatures a receiver may hold and get, and what each mistake is called. */
import { describe, expect, it } from 'vitest'
import {
  ed25519,
  github,
  signRequest,
  slack,
  standardWebhooks,
  stripe,
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

describe('the secret', () => {
  it('is missed where there are no options at all', async () => {
    const bare = verify as (request: unknown) => Promise<unknown>
    expect(await codeOf(bare({ headers: {}, body: json }))).toBe('secret-missing')
  })

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

describe('the key of the secret used last', () => {
  it('is never used for another secret, and a refused one leaves none behind', async () => {
    const scheme = standardWebhooks()
    const { headers } = await signed()
    const outcome = (secrets: unknown) => codeOf(check(headers, { secrets: secrets as string[], scheme }))
    expect(await outcome([undefined])).toBe('secret-missing')
    for (let round = 0; round < 2; round++) {
      expect((await check(headers, { secrets: [otherSecret, secret], scheme })).secretIndex).toBe(1)
      expect(await outcome([otherSecret])).toBe('no-match')
      expect((await check(headers, { secret, scheme })).secretIndex).toBe(0)
      expect(await outcome(['whsec_!!!!'])).toBe('secret-not-base64')
      expect(await outcome(['whsec_!!!!'])).toBe('secret-not-base64')
      expect(await outcome([undefined])).toBe('secret-missing')
    }
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
