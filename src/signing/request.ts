/** What `verify` takes. Types only. */

/** Fetch `Headers` of any realm, Node's `IncomingHttpHeaders`, or a plain record with names in any case. */
export type HeadersLike =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>

/** A raw body. */
export type RawBody = string | Uint8Array | ArrayBuffer

/**
 * A fetch `Request`, or headers with the raw body. `rawBody` goes before `body`. The body is `unknown` because
 * frameworks type it so; anything but a `RawBody` is refused.
 */
export type VerifiableRequest =
  | { readonly headers: HeadersLike; arrayBuffer(): Promise<ArrayBuffer> }
  | {
      readonly headers: HeadersLike
      readonly arrayBuffer?: undefined
      readonly body?: RawBody | unknown
      readonly rawBody?: RawBody | unknown
    }
