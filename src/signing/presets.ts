/** Well-known senders' schemes, each a value of `hmac()`. Sources: the senders' documentation, see the reference, section 2. */

import { hmac } from './hmac.js'
import type { Scheme } from './scheme.js'

/** GitHub: `X-Hub-Signature-256: sha256=<hex>` of the body, with delivery id and event. No rotation, no replay protection. */
export const github = (): Scheme =>
  hmac({
    header: 'x-hub-signature-256',
    prefix: 'sha256=',
    idHeader: 'x-github-delivery',
    eventHeader: 'x-github-event',
  })

/** Stripe: `Stripe-Signature: t=<s>,v1=<hex>,v1=<hex>` of `t.body`. The whole `whsec_…` text is the key. */
export const stripe = (): Scheme =>
  hmac({ header: 'stripe-signature', prefix: 'v1=', content: 'timestamp.body', format: 'labelled' })

/** Shopify: `X-Shopify-Hmac-SHA256: <base64>` of the body, with webhook id and topic. No rotation, no replay protection. */
export const shopify = (): Scheme =>
  hmac({
    header: 'x-shopify-hmac-sha256',
    encoding: 'base64',
    idHeader: 'x-shopify-webhook-id',
    eventHeader: 'x-shopify-topic',
  })

/** Slack: `X-Slack-Signature: v0=<hex>` of `v0:timestamp:body`. No rotation. */
export const slack = (): Scheme =>
  hmac({
    header: 'x-slack-signature',
    prefix: 'v0=',
    content: 'v0:timestamp:body',
    timestampHeader: 'x-slack-request-timestamp',
  })
