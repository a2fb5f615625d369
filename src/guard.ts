/**
 * `posthorn/guard`: is it safe to request this URL, and to send these headers? The same judges that stand before every
 * delivery, for whatever else a host fetches from addresses that strangers choose: avatars, OAuth metadata, imports.
 */
export {
  type AddressGuard,
  addressGuard,
  type JudgeOptions,
  type UrlVerdict,
  type Verdict,
} from './guard/address-guard.ts'
export { checkHeaders, type HeadersLike, type HeadersVerdict } from './guard/check-headers.ts'
export type { AddressGuardOptions } from './guard/policy.ts'
