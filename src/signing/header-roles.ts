/** Says which headers a scheme writes and what each carries: for clash checks, and so that no custom header gets in their way. */

import { checkHeaderPrefix } from './check-spec.js'
import type { Scheme } from './scheme.js'

/** What a header carries. Lists (`v1,… v1a,…`) may be shared by schemes, other signatures may not. */
export type HeaderRole = 'id' | 'timestamp' | 'event' | 'signature' | 'signature-list'

/** Every header that the scheme may write, with its role. Names are in lower case. */
export function headerRoles({ spec, custom }: Scheme): ReadonlyMap<string, HeaderRole> {
  const roles = new Map<string, HeaderRole>()
  switch (spec.scheme) {
    case 'standard-webhooks':
    case 'ed25519':
      checkHeaderPrefix(spec.prefix)
      return roles
        .set(`${spec.prefix}-id`, 'id')
        .set(`${spec.prefix}-timestamp`, 'timestamp')
        .set(`${spec.prefix}-signature`, 'signature-list')
    case 'custom':
      for (const header of custom?.headers ?? []) roles.set(header, 'signature')
      return roles
    case 'hmac':
      roles.set(spec.header, spec.format === 'spaced' ? 'signature-list' : 'signature')
      break
    case 'unsigned':
      break
  }
  if (spec.idHeader) roles.set(spec.idHeader, 'id')
  if (spec.timestampHeader) roles.set(spec.timestampHeader, 'timestamp')
  if (spec.eventHeader) roles.set(spec.eventHeader, 'event')
  return roles
}

/** Lower-case names of the headers that belong to the scheme: a subscription's custom headers cannot use them. */
export const ownedHeaders = (scheme: Scheme): string[] => [...headerRoles(scheme).keys()]

/** False for `unsigned()` and for custom schemes that say so. */
export const needsSecret = ({ spec, custom }: Scheme): boolean =>
  custom ? custom.needsSecret !== false : spec.scheme !== 'unsigned'
