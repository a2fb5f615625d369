/**
 * Which headers a tenant may have sent along, as lists: names that belong to somebody else, and what names and values
 * may look like. A value is a secret: no reason ever repeats one.
 */

/** Most headers of one request. */
export const MAX_HEADERS = 50
/** Longest name, in characters. */
export const MAX_NAME_LENGTH = 128
/** Longest value, in characters, all of them ASCII. */
export const MAX_VALUE_LENGTH = 4096
/** All names and values of one request together, in characters. */
export const MAX_TOTAL_LENGTH = 16_384

/** A group of names with one reason. An entry that ends in `*` stands for all names that begin so. */
export interface HeaderGroup {
  readonly name: string
  readonly names: readonly string[]
  readonly reason: string
}

/** Whose headers cannot be set. */
export const headerGroups: readonly HeaderGroup[] = [
  {
    name: 'framing',
    names: [
      ...['host', 'connection', 'keep-alive', 'upgrade', 'expect', 'te', 'trailer', 'trailers'],
      ...['transfer-encoding', 'content-length', 'http2-settings', 'alt-used'],
    ],
    reason: 'frames the request and is the connection’s own',
  },
  // CVE-2025-6454: what a proxy on the way reads is not the tenant's to write.
  {
    name: 'proxy',
    names: ['proxy-*', 'x-proxy-*', 'max-forwards'],
    reason: 'speaks to a proxy, not to the receiver',
  },
  {
    name: 'platform',
    names: [
      ...['metadata', 'metadata-*', 'secret', 'x-identity-header', 'x-metadata-*', 'x-google-*', 'x-goog-*'],
      ...['x-aws-*', 'x-amz-*', 'x-amzn-*', 'x-azure-*', 'x-ms-*', 'x-fd-*', 'x-gcp-*', 'x-appengine-*'],
      ...['x-cloud-trace-context', 'x-vercel-*', 'x-nf-*', 'x-alibaba-*', 'x-tencent-*', 'x-oci-*'],
      ...['fly-*', 'x-arr-*', 'x-envoy-*', 'x-serverless-authorization'],
    ],
    reason: 'speaks to a cloud platform, not to the receiver',
  },
  {
    name: 'trust',
    names: [
      ...['forwarded', 'forwarded-*', 'remote-*', 'x-auth-request-*', 'x-webauth-*', 'x-authenticated-*'],
      ...['via', 'x-forwarded', 'x-forwarded-*', 'x-forward-*', 'x-real-*', 'x-original-*'],
      ...['x-originating-*', 'x-rewrite-*', 'x-client-ip', 'x-cluster-*', 'x-remote-*', 'x-host', 'x-scheme'],
      ...['x-http-method', 'x-http-method-override', 'x-method-override', 'x-http-host-override'],
      ...['true-client-ip', 'client-ip', 'cf-*', 'cdn-loop', 'fastly-*', 'akamai-*', 'x-akamai-*'],
      ...[
        'x-sucuri-*',
        'x-url-scheme',
        'front-end-https',
        'x-ssl-*',
        'ssl-*',
        'x-client-cert',
        'client-cert',
      ],
      ...[
        'client-cert-chain',
        'early-data',
        'sec-*',
        'x-middleware-*',
        'x-custom-ip-authorization',
        'wl-proxy-*',
        'x-proxyuser-*',
        'x-backend-*',
      ],
    ],
    reason: 'is trusted by proxies and receivers as said by a proxy',
  },
  {
    name: 'owned',
    names: [
      ...['webhook-*', 'x-webhook-*', 'svix-*', 'x-svix-*', 'posthorn-*', 'x-posthorn-*'],
      ...['content-*', 'accept-encoding', 'user-agent', 'date', 'range', 'if-*', 'digest', 'repr-digest'],
      ...[
        'traceparent',
        'tracestate',
        'idempotency-key',
        'x-idempotency-key',
        'signature',
        'signature-input',
      ],
    ],
    reason: 'is set by the sender itself',
  },
  {
    name: 'signature',
    // Of the presets, those whose names do not say so: an id, a type or a time of somebody's own would be believed.
    names: [
      ...['*-signature', '*-signature-*', '*-hmac', '*-hmac-*', 'x-github-delivery', 'x-github-event'],
      ...['x-shopify-webhook-id', 'x-shopify-topic', 'x-slack-request-timestamp'],
    ],
    reason: 'belongs to signatures: it would look like one',
  },
]

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** Names that are keys of every object: a receiver that is careless with objects would trip over them. */
const OBJECT_KEYS = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype'].map(lower))

function lower(name: string): string {
  return name.toLowerCase()
}

/** Why this name cannot be set, or null. */
export function nameProblem(name: string, groups: readonly HeaderGroup[] = headerGroups): string | null {
  if (name.length > MAX_NAME_LENGTH || !TOKEN.test(name))
    return `is no header name: 1 to ${MAX_NAME_LENGTH} letters, digits and hyphens`
  const known = lower(name)
  if (OBJECT_KEYS.has(known)) return 'is the name of a property that every object has'
  const group = groups.find(({ names }) => names.some((entry) => fits(known, entry)))
  return group === undefined ? null : `${group.reason}: leave it out`
}

function fits(name: string, entry: string): boolean {
  if (!entry.includes('*')) return name === entry
  const [start = '', end = '', rest] = entry.split('*')
  if (start !== '') return name.startsWith(start)
  return rest === undefined ? name.endsWith(end) : name.includes(end)
}

/** Why this value cannot be sent, or null. Beyond ASCII, clients disagree about the bytes. */
export function valueProblem(value: unknown): string | null {
  if (typeof value !== 'string') return 'must be a string'
  if (value.length > MAX_VALUE_LENGTH)
    return `must have at most ${MAX_VALUE_LENGTH} characters, not ${value.length}`
  if (!/^[\t\x20-\x7e]*$/.test(value))
    return 'must be printable ASCII: no line breaks, control characters or letters beyond'
  return /^[\t ]|[\t ]$/.test(value) ? 'must not begin or end with a space' : null
}
