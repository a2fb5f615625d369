/**
 * CONTRACT: what a signature scheme is. A scheme is plain data (`spec`) that a database can keep, plus, for
 * receivers, a small verifier. Nothing here holds a secret.
 */

import type { HmacSpec } from './hmac-spec.js'

/** What is signed: one message, with the timestamp of this attempt. */
export interface SignedMessage {
  /** Visible ASCII without `.` and `,`; at most 255 characters. Constant over retries. */
  readonly id: string
  /** Whole seconds since 1970; of this attempt, not of the event. */
  readonly timestamp: number
  /** The event type; sent only by schemes that have an event header. */
  readonly type: string
  /** The exact bytes that are sent. Never changed, never decoded. */
  readonly body: Uint8Array
}

/** Lower-case header names and their values. */
export type SignatureHeaders = Record<string, string>

/**
 * The value of one header of a received request, by lower-case name; several values are joined by a comma, as
 * `Headers` does. Empty, null or undefined when absent.
 */
export type HeaderReader = (name: string) => string | null | undefined

/** What a scheme finds in the headers of a request, before any hashing. */
export interface ReceivedHeaders {
  /** The message's id, if the scheme has one. */
  readonly id?: string | undefined
  /** The signed timestamp, as received. Left out when the signature does not cover one. */
  readonly timestamp?: string | undefined
  /** The event type from the scheme's event header (not signed). */
  readonly type?: string | undefined
  /** What is hashed before the body, for example `msg_1.1614265330.`. */
  readonly signed: string
  /** Candidates. More than 32 are refused before `match` is called. */
  readonly signatures: readonly string[]
}

/**
 * The receivers' half of a scheme. Every function throws only `VerificationError`; where there is nothing to
 * verify, each throws `scheme-cannot-verify`.
 */
export interface Verifier<Key = unknown> {
  /** Checks one secret and makes it what `match` takes, a text for example; throws when it cannot be one of this scheme. */
  readonly key: (secret: string) => Key
  /** Reads the headers; throws when one is missing or ambiguous. */
  readonly read: (header: HeaderReader) => ReceivedHeaders
  /** True when one of the candidates is the signature of `signed` + `body` under this key. Compares in constant time. */
  match(key: Key, received: ReceivedHeaders, body: Uint8Array): boolean | Promise<boolean>
}

/** The JSON form of a scheme: what a store keeps and `schemeFrom` revives. */
export type SchemeSpec =
  | { readonly scheme: 'standard-webhooks'; readonly prefix: string }
  | { readonly scheme: 'ed25519'; readonly prefix: string }
  | HmacSpec
  | UnsignedSpec
  | CustomSpec

/** The JSON form of `unsigned()`. */
export interface UnsignedSpec {
  readonly scheme: 'unsigned'
  readonly idHeader?: string
  readonly timestampHeader?: string
  readonly eventHeader?: string
}

/** The JSON form of a custom scheme: its name, looked up again when it is revived. */
export interface CustomSpec {
  readonly scheme: 'custom'
  readonly name: string
}

/** One way to sign. Build it with `standardWebhooks()`, `hmac()`, … or `customScheme()`, or revive it with `schemeFrom()`. */
export interface Scheme extends Verifier {
  /** Plain JSON, to be stored and given to `schemeFrom`. */
  readonly spec: SchemeSpec
  /** Present only on custom schemes. */
  readonly custom?: CustomScheme
}

/**
 * A scheme of your own. It is stored by name only, so the same definition must be given to `schemeFrom`
 * wherever the stored name is revived.
 */
export interface CustomScheme {
  /** `[a-z][a-z0-9-]*`, at most 64 characters; not the name of a built-in scheme. */
  readonly name: string
  /** Lower-case names of every header that `sign` may return; custom headers of a subscription cannot use them. */
  readonly headers: readonly string[]
  /** @default true */
  readonly needsSecret?: boolean
  /** Signs one message with all live secrets, newest first. May be asynchronous. */
  sign(message: SignedMessage, secrets: readonly string[]): SignatureHeaders | Promise<SignatureHeaders>
  /** Throws when the secret cannot be used. @default 1 to 255 characters */
  validateSecret?(secret: string): void
  /** Makes a secret. @default 64 hexadecimal characters from 32 random bytes */
  generateSecret?(): string
  /** For `verify`. */
  readonly verifier?: Verifier<string>
}
