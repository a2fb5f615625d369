/** The published libraries accept what we send, and we accept what they sign. */

import { sign as octokitSign, verify as octokitVerify } from '@octokit/webhooks-methods'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { Webhook as SvixWebhook } from 'svix'
import { describe, expect, it } from 'vitest'
import {
  github,
  type Scheme,
  type SignatureHeaders,
  standardWebhooks,
  stripe,
  svix,
  verify,
} from '../../src/signing/index.js'
import { generateSecret } from '../../src/signing/secrets.js'
import { createSigner } from '../../src/signing/sign.js'

const bodies = [
  '{"type":"order.paid","data":{"name":"Zoë 🚀"}}',
  '{"test": 2432232314}',
  `"${'x'.repeat(20_000)}"`,
]
const timestamp = Math.floor(Date.now() / 1000)
const id = 'evt_018f5b2e'

const send = (scheme: Scheme, secrets: string[], body: string): SignatureHeaders =>
  createSigner([{ scheme, secrets }])({
    id,
    timestamp,
    type: 'order.paid',
    body: new TextEncoder().encode(body),
  }) as SignatureHeaders

describe.each(bodies)('a body of %s', (body) => {
  const { secret } = generateSecret(standardWebhooks())
  const old = generateSecret(standardWebhooks()).secret

  it('is accepted by standardwebhooks, also during a rotation', () => {
    for (const held of [secret, old]) {
      const received = new StandardWebhook(held).verify(body, send(standardWebhooks(), [secret, old], body))
      expect(received).toEqual(JSON.parse(body))
    }
  })

  it('is accepted by svix under both names', () => {
    for (const scheme of [svix(), standardWebhooks()])
      expect(new SvixWebhook(secret).verify(body, send(scheme, [secret], body))).toEqual(JSON.parse(body))
  })

  it('is accepted by @octokit/webhooks-methods', async () => {
    const headers = send(github(), ['fake-secret'], body)
    expect(await octokitVerify('fake-secret', body, headers['x-hub-signature-256'] ?? '')).toBe(true)
  })

  it('is accepted by stripe, also during a rotation', () => {
    const headers = send(stripe(), ['whsec_fake_new', 'whsec_fake_old'], body)
    for (const held of ['whsec_fake_new', 'whsec_fake_old'])
      expect(Stripe.webhooks.constructEvent(body, headers['stripe-signature'] ?? '', held)).toEqual(
        JSON.parse(body),
      )
  })

  it('is accepted from standardwebhooks', async () => {
    const signature = new StandardWebhook(secret).sign(id, new Date(timestamp * 1000), body)
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signature,
    }
    expect((await verify({ headers, body }, { secret })).id).toBe(id)
  })

  it('is accepted from svix', async () => {
    const signature = new SvixWebhook(secret).sign(id, new Date(timestamp * 1000), body)
    const headers = { 'svix-id': id, 'svix-timestamp': String(timestamp), 'svix-signature': signature }
    expect((await verify({ headers, body }, { secret, scheme: svix() })).id).toBe(id)
  })

  it('is accepted from @octokit/webhooks-methods', async () => {
    const headers = { 'X-Hub-Signature-256': await octokitSign('fake-secret', body), 'X-GitHub-Delivery': id }
    expect((await verify({ headers, body }, { secret: 'fake-secret', scheme: github() })).id).toBe(id)
  })

  it('is accepted from stripe', async () => {
    const header = Stripe.webhooks.generateTestHeaderString({
      payload: body,
      secret: 'whsec_fake',
      timestamp,
    })
    const received = await verify(
      { headers: { 'stripe-signature': header }, body },
      { secret: 'whsec_fake', scheme: stripe() },
    )
    expect(received.timestamp).toBe(timestamp)
  })
})
