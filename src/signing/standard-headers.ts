/** Reads the three headers of Standard Webhooks, for v1 and v1a alike. */

import { presentValue, singleValue } from './request-headers.js'
import type { HeaderReader, ReceivedHeaders } from './scheme.js'
import { VerificationError } from './verification-error.js'

/** Header lines that a proxy joined arrive as `v1,A, v1,B`: the list is split on spaces, and a last comma dropped. */
export function readStandardHeaders(header: HeaderReader, asked: string): ReceivedHeaders {
  const prefix = header(`${asked}-signature`) ? asked : 'webhook'
  const id = singleValue(header, `${prefix}-id`)
  const timestamp = singleValue(header, `${prefix}-timestamp`)
  // With a full stop in the id, an old signature could be cut anew to cover a fresh timestamp.
  if (id.includes('.')) throw new VerificationError('ID_INVALID', 'has a full stop')
  return {
    id,
    timestamp,
    signed: `${id}.${timestamp}.`,
    signatures: presentValue(header, `${prefix}-signature`).match(/[^ ]+?(?=,? |,?$)/g) ?? [],
  }
}
