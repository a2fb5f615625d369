/**
 * `posthorn/verify`: what receivers of webhooks import. Needs nothing but Web Crypto, and everything that is not
 * used tree-shakes away.
 *
 * @example
 * import { verify } from 'posthorn/verify'
 * const event = await verify(request, { secret: process.env.WEBHOOK_SECRET })
 */

export { customScheme } from './custom-scheme.js'
export { ed25519 } from './ed25519.js'
export { hmac } from './hmac.js'
export type { HmacOptions } from './hmac-options.js'
export type { HmacContent, HmacFormat, HmacSpec } from './hmac-spec.js'
export { github, shopify, slack, stripe } from './presets.js'
export type { HeadersLike, RawBody, VerifiableRequest } from './request.js'
export type {
  CustomScheme,
  HeaderReader,
  ReceivedHeaders,
  Scheme,
  SchemeSpec,
  SignatureHeaders,
  SignedMessage,
  Verifier,
} from './scheme.js'
export {
  type RequestToSign,
  type SignedRequest,
  type SignRequestOptions,
  signRequest,
} from './sign-request.js'
export { SigningError, type SigningErrorCode } from './signing-error.js'
export { type StandardWebhooksOptions, standardWebhooks } from './standard-webhooks.js'
export { svix } from './svix.js'
export { VerificationError, type VerificationErrorCode } from './verification-error.js'
export type { VerifiedWebhook } from './verified-webhook.js'
export { type VerifyOptions, verify } from './verify.js'
