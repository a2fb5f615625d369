/** `svix()`: Standard Webhooks v1 under Svix' older header names. */

import type { Scheme } from './scheme.js'
import { standardVerifier } from './standard-verifier.js'
import { standardWebhooks } from './standard-webhooks.js'

/**
 * Standard Webhooks v1 under the names `svix-id`, `svix-timestamp`, `svix-signature`. A receiver also accepts the
 * `webhook-*` names, which white-labelled Svix senders use, when there is no `svix-signature`.
 */
export function svix(): Scheme {
  const scheme = standardWebhooks({ prefix: 'svix' })
  const whiteLabelled = standardVerifier('webhook')
  return {
    ...scheme,
    read: (header) =>
      (!header('svix-signature') && header('webhook-signature') ? whiteLabelled : scheme).read(header),
  }
}
