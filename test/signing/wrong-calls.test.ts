/** What a receiver is told when the call of `verify` is wrong, and not the request; and what every refusal answers. */

import { describe, expect, it } from 'vitest'
import {
  github,
  signRequest,
  standardWebhooks,
  VerificationError,
  type VerifyOptions,
  verify,
} from '../../src/signing/index.js'

const secret = `whsec_${btoa('obviously-fake-secret-of-a-test!')}`
const now = 1_750_000_000
const signed = () => signRequest({ body: '{"type":"order.paid"}', id: 'msg_1', timestamp: now }, { secret })

const refusal = async (request: unknown, options: object = {}): Promise<VerificationError> => {
  const outcome = verify(request as Request, { secret, now, ...options } as VerifyOptions)
  const error = await outcome.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(VerificationError)
  return error as VerificationError
}

describe('a wrong call', () => {
  it.each<[string, object]>([
    ['a scheme that was not called', { scheme: github }],
    ['the default scheme, not called', { scheme: standardWebhooks }],
    ['the name of a scheme', { scheme: 'github' }],
    ['null as the scheme', { scheme: null }],
    ['one secret where a list belongs', { secrets: secret }],
    ['no secrets', { secrets: [] }],
    ['a tolerance in milliseconds', { tolerance: 300_000 }],
    ['a tolerance just over an hour', { tolerance: 3_601 }],
  ])('with %s is named, and the body is not blamed', async (_, options) => {
    const error = await refusal(await signed(), options)
    expect(error.code).toBe('call-invalid')
    expect(error.message).toMatch(/headers, secrets, scheme\(\) or tolerance/)
  })

  it.each<[string, (request: { headers: object; body: unknown }) => unknown]>([
    ['no request', () => undefined],
    ['null', () => null],
    ['a request without headers', ({ body }) => ({ body })],
    // HonoRequest: arrayBuffer() and header(), no headers.
    ["Hono's c.req", ({ body }) => ({ arrayBuffer: async () => body, header: () => '' })],
  ])('with %s is named, and the body is not blamed', async (_, change) => {
    const error = await refusal(change(await signed()))
    expect(error.code).toBe('call-invalid')
    expect(error.cause).toBeInstanceOf(TypeError)
  })

  it('with a tolerance in milliseconds has it as its cause', async () => {
    expect((await refusal(await signed(), { tolerance: 300_000 })).cause).toBe(300_000)
  })

  it('with null for its options is named', async () => {
    const outcome = verify(await signed(), null as unknown as VerifyOptions)
    await expect(outcome).rejects.toMatchObject({ code: 'call-invalid' })
  })

  it('does not include an hour of tolerance, nor none at all', async () => {
    for (const tolerance of [3_600, Number.POSITIVE_INFINITY])
      expect((await verify(await signed(), { secret, now: now + 3_600, tolerance })).id).toBe('msg_1')
  })
})

describe('a wrong secret', () => {
  it.each([
    [undefined, 'secret-missing'],
    [`${secret}\n`, 'secret-whitespace'],
    ['v1,abc', 'secret-is-signature'],
    ['hunter-2', 'secret-not-base64'],
    [`whpk_${btoa('x'.repeat(32))}`, 'secret-wrong-kind'],
  ])('is told its form (%#)', async (wrong, code) => {
    const error = await refusal(await signed(), { secret: wrong })
    expect(error.message).toBe(`${code}: use whsec_<base64>`)
  })
})

describe('a refusal', () => {
  it('carries status 400, whatever the reason', async () => {
    const { headers } = await signed()
    expect((await refusal({ headers, body: 'another' })).status).toBe(400)
    expect((await refusal({ headers, body: {} })).status).toBe(400)
    expect((await refusal({ headers: {}, body: '' })).status).toBe(400)
    expect((await refusal({ headers, body: '' }, { scheme: github })).status).toBe(400)
  })

  it('comes before the body is read, where the headers are enough to refuse', async () => {
    let reads = 0
    const arrayBuffer = async () => {
      reads++
      return new ArrayBuffer(0)
    }
    expect((await refusal({ headers: {}, arrayBuffer })).code).toBe('header-missing')
    const { headers } = await signed()
    expect((await refusal({ headers, arrayBuffer }, { now: now + 301 })).code).toBe('timestamp-too-old')
    expect(reads).toBe(0)
  })

  it('never goes by a header that is called "get"', async () => {
    const { headers, body } = await signed()
    for (const get of ['x', ['x', 'y']])
      expect((await verify({ headers: { ...headers, get }, body }, { secret, now })).id).toBe('msg_1')
  })
})
