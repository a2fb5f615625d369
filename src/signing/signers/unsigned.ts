/** The sending half of `unsigned()`: the configured headers, and no signature. */

import type { UnsignedSpec } from '../scheme.js'
import type { Signer } from './signer.js'

/** Writes id, timestamp and event type where a header name is given. */
export function unsignedSigner({ idHeader, timestampHeader, eventHeader }: UnsignedSpec): Signer {
  return (message) => ({
    ...(idHeader && { [idHeader]: message.id }),
    ...(timestampHeader && { [timestampHeader]: String(message.timestamp) }),
    ...(eventHeader && { [eventHeader]: message.type }),
  })
}
