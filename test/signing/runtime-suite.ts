/**
 * The verify suite in a form that any runtime can run: no test runner, no Buffer, no process, nothing imported
 * but what is tested. `runtimes.ts` and `runtimes.test.ts` bundle and run it.
 */

import * as signing from '../../src/signing/index.ts'
import { createSigner } from '../../src/signing/sign.ts'

interface Vector {
  readonly n: number
  readonly scheme: string
  readonly expect: string
  readonly secret?: string
  readonly secrets?: string[]
  readonly privateKey?: string
  readonly body?: string
  readonly bodyBase64?: string
  readonly headers?: Record<string, string | string[]>
  readonly now?: number
  readonly tolerance?: number
}

/** What one run came to; `failures` is empty when all is well. */
export interface SuiteResult {
  readonly runtime: string
  readonly crypto: 'node:crypto' | 'Web Crypto'
  readonly passed: number
  readonly failures: string[]
}

const schemes: Record<string, () => signing.Scheme> = {
  'standard-webhooks-v1': signing.standardWebhooks,
  'standard-webhooks-v1a': signing.ed25519,
  'svix-v1': signing.svix,
  'github-sha256': signing.github,
  'stripe-v1': signing.stripe,
  'slack-v0': signing.slack,
  'shopify-base64': signing.shopify,
}

/** Runs every vector of these schemes, then signs and verifies with each, through `Request` and `Headers` as well. */
export async function runSuite(vectors: readonly Vector[]): Promise<SuiteResult> {
  const failures: string[] = []
  let passed = 0
  const check = async (name: string, run: () => Promise<boolean>): Promise<void> => {
    const problem = await run().then(
      (ok) => (ok ? '' : 'wrong result'),
      (error: unknown) => String(error),
    )
    if (problem) failures.push(`${name}: ${problem}`)
    else passed++
  }

  for (const vector of vectors) {
    const scheme = schemes[vector.scheme]?.()
    if (scheme) await check(`vector ${vector.n}`, () => runVector(vector, scheme))
  }

  const ed25519Key = vectors.find((vector) => vector.privateKey)
  for (const [name, schemeOf] of Object.entries(schemes)) {
    const isEd25519 = name === 'standard-webhooks-v1a'
    const secret = isEd25519
      ? (ed25519Key?.privateKey ?? '')
      : `whsec_${btoa('obviously-fake-secret-of-a-test!')}`
    const held = isEd25519 ? (ed25519Key?.secret ?? '') : secret
    const options = { secret: held, scheme: schemeOf() }
    await check(`${name}: signs what it verifies`, async () => {
      const signed = await signing.signRequest(
        { type: 'order.paid', data: { name: 'Zoë 🚀' } },
        { secret, scheme: schemeOf() },
      )
      const request = new Request('http://localhost/', { method: 'POST', ...signed })
      const event = await signing.verify<{ name: string }>(request, options)
      return event.type === 'order.paid' && event.data.name === 'Zoë 🚀' && event.secretIndex === 0
    })
    await check(`${name}: refuses a changed body`, async () => {
      const { headers } = await signing.signRequest({ body: 'a' }, { secret, scheme: schemeOf() })
      return refused('no-match', signing.verify({ headers: new Headers(headers), body: 'b' }, options))
    })
  }

  await check('signs with two secrets', async () => {
    const secrets = ['a', 'b'].map((one) => `whsec_${btoa(one.repeat(32))}`)
    const body = new Uint8Array([123, 125])
    const sign = createSigner([{ scheme: signing.standardWebhooks(), secrets }])
    const headers = await sign({ id: 'evt_1', timestamp: 1_750_000_000, type: 'a', body })
    const event = await signing.verify(
      { headers, body: body.buffer },
      { secret: secrets[1], now: 1_750_000_000 },
    )
    return event.id === 'evt_1'
  })
  await check('names a parsed body', async () => {
    const secret = btoa('fake')
    const { headers } = await signing.signRequest({ data: {} }, { secret })
    return refused('body-not-raw', signing.verify({ headers, body: {} }, { secret }))
  })
  await check('names a missing secret', () =>
    refused('secret-missing', signing.verify({ headers: {}, body: '' }, { secret: '' })),
  )

  const { navigator, process } = globalThis as {
    navigator?: { userAgent?: string }
    process?: NodeJS.Process
  }
  return {
    runtime: navigator?.userAgent ?? (process ? `Node.js ${process.version}` : 'without a name'),
    crypto: process?.getBuiltinModule ? 'node:crypto' : 'Web Crypto',
    passed,
    failures,
  }
}

async function runVector(vector: Vector, scheme: signing.Scheme): Promise<boolean> {
  const body =
    vector.bodyBase64 === undefined
      ? (vector.body ?? '')
      : Uint8Array.from(atob(vector.bodyBase64), (character) => character.charCodeAt(0))
  const outcome = signing.verify(
    { headers: vector.headers ?? {}, body },
    {
      scheme,
      secrets: vector.secrets ?? [vector.secret ?? ''],
      tolerance: vector.tolerance === -1 ? Number.POSITIVE_INFINITY : (vector.tolerance ?? 300),
      ...(vector.now === undefined ? {} : { now: vector.now }),
    },
  )
  if (vector.expect === 'valid') return (await outcome).secretIndex >= 0
  return outcome.then(
    () => false,
    (error: unknown) => error instanceof signing.VerificationError,
  )
}

const refused = (code: string, outcome: Promise<unknown>): Promise<boolean> =>
  outcome.then(
    () => false,
    (error: { code?: string }) => error.code === code,
  )
