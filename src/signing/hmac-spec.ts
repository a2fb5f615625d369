/**
 * The one descriptor of every HMAC-SHA256 scheme but the default: which bytes are signed and how the signature
 * header is laid out. GitHub, Stripe, Shopify, Slack and Outpost are values of it, not special cases.
 */

/** What is signed: a template whose words are replaced; `v0` stands for itself. */
export type HmacContent = 'body' | 'timestamp.body' | 'id.timestamp.body' | 'v0:timestamp:body'

/**
 * The layout of the signature header; `S` is one signature, `P` the prefix:
 * - `single`: `PS`. Only the newest secret signs (GitHub, Shopify, Slack).
 * - `list`: `PS,S` (Outpost).
 * - `labelled`: `t=<timestamp>,PS,PS`, the timestamp is inside the header (Stripe).
 * - `spaced`: `PS PS` (Standard Webhooks).
 */
export type HmacFormat = 'single' | 'list' | 'labelled' | 'spaced'

/** The JSON form of `hmac()`, every default written out. */
export interface HmacSpec {
  readonly scheme: 'hmac'
  /** Lower-case name of the signature header. */
  readonly header: string
  readonly prefix: string
  readonly encoding: 'hex' | 'base64'
  readonly content: HmacContent
  readonly format: HmacFormat
  /** How a secret becomes a key: its UTF-8 bytes, or decoded base64. Never guessed from a prefix. */
  readonly secretEncoding: 'utf8' | 'base64'
  readonly idHeader?: string
  readonly timestampHeader?: string
  readonly eventHeader?: string
}

/** The text that is hashed before the body. */
export function signedPrefix(content: HmacContent, id: string, timestamp: string): string {
  switch (content) {
    case 'body':
      return ''
    case 'timestamp.body':
      return `${timestamp}.`
    case 'id.timestamp.body':
      return `${id}.${timestamp}.`
    case 'v0:timestamp:body':
      return `v0:${timestamp}:`
  }
}
