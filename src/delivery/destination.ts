/** One-use destinations (`to`): checked like a subscription's URL, then sealed with their delivery. */
import { headersOf } from '../input/headers-input.ts'
import { recordOf } from '../input/known-keys.ts'
import { urlOf } from '../input/url-input.ts'
import type { Parts } from '../parts.ts'
import { destinationContext } from '../sealing.ts'
import { checkSecret, keyedSchemes } from '../subscriptions/signing-input.ts'
import type { Destination } from './destination-text.ts'

/** Where one event goes, and only it. */
export interface OneUseDestination {
  readonly url: string
  /** Signs with the default schemes; without it the request is unsigned. */
  readonly secret?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** @returns the sealed JSON of the destination; a promise only where sealing is asynchronous */
export function destinationOf(
  to: OneUseDestination,
  tenantId: string,
  parts: Parts,
): string | Promise<string> {
  const { url, secret, headers } = recordOf(to, ['url', 'secret', 'headers'], 'to')
  const schemes = parts.signing.map(({ scheme }) => scheme)
  if (secret !== undefined) checkSecret(secret, keyedSchemes(parts.signing, parts.clock.now()), 'to.secret')
  const destination: Destination = {
    url: urlOf(url, parts, 'to.url'),
    secret: secret === undefined ? null : secret,
    headers: headers === undefined ? {} : headersOf(headers, schemes, 'to.headers'),
  }
  return parts.sealer.seal(JSON.stringify(destination), destinationContext(tenantId))
}
