/**
 * `createSigner`: the engine's entry to signing. Secrets are checked and keys prepared once per subscription; each
 * attempt then costs one fresh HMAC per live secret. Never touches, copies or decodes the body.
 */

import { invalid } from './check-spec.js'
import { headerRoles, needsSecret } from './header-roles.js'
import type { HmacSpec } from './hmac-spec.js'
import { keyText } from './key-text.js'
import { mergeSigners } from './merge-signers.js'
import type { CustomScheme, Scheme, SignedMessage } from './scheme.js'
import { asSigningError } from './secrets.js'
import { customSigner, threw } from './signers/custom.js'
import { ed25519Signer } from './signers/ed25519.js'
import { hmacSigner } from './signers/hmac.js'
import type { Signer } from './signers/signer.js'
import { unsignedSigner } from './signers/unsigned.js'
import { SigningError } from './signing-error.js'

/** One scheme with its live secrets, newest first. Leave expired ones out. */
export interface SignerEntry {
  readonly scheme: Scheme
  readonly secrets: readonly string[]
}

/** One current secret and ten old ones. Svix has the same limit, and receivers stop at 32 signatures. */
export const MAX_SECRETS = 11

/**
 * Prepares the signing of a subscription's attempts.
 *
 * @param entries At least one; several while receivers are moved from one scheme to another. Their headers are
 * merged: `v1` and `v1a` share one list.
 * @returns a function that is synchronous where node:crypto exists, unless a custom scheme is not.
 * @throws SigningError for a secret that the scheme cannot use, too many secrets, or two schemes that need the
 * same header.
 */
export function createSigner(entries: readonly SignerEntry[]): Signer {
  if (entries.length === 0) throw invalid('no scheme: use unsigned() to send without a signature')
  const signers = entries.map(prepare)
  const [only] = signers
  const sign = only && signers.length === 1 ? only : mergeSigners(entries, signers)
  const sendsType = entries.some(
    ({ scheme }) => scheme.custom || [...headerRoles(scheme).values()].includes('event'),
  )
  return (message) => {
    checkMessage(message, sendsType)
    return sign(message)
  }
}

function prepare({ scheme, secrets }: SignerEntry): Signer {
  const { spec, custom } = scheme
  headerRoles(scheme)
  if (secrets.length > MAX_SECRETS)
    throw new SigningError('too-many-secrets', `at most ${MAX_SECRETS} live secrets, not ${secrets.length}`)
  if (secrets.length === 0 && needsSecret(scheme))
    throw new SigningError('secret-missing', `scheme "${custom?.name ?? spec.scheme}" needs a secret`)
  return asSigningError(() => {
    switch (spec.scheme) {
      case 'standard-webhooks':
        return hmacSigner(standardLayout(spec.prefix), secrets.map(keyText(spec)))
      case 'hmac':
        return hmacSigner(spec, secrets.map(keyText(spec)))
      case 'ed25519':
        return ed25519Signer(spec.prefix, secrets)
      case 'unsigned':
        return unsignedSigner(spec)
      case 'custom':
        if (!custom) throw invalid('a custom scheme must come from customScheme() or schemeFrom()')
        validateOwn(custom, secrets)
        return customSigner(custom, secrets)
    }
  })
}

function validateOwn(custom: CustomScheme, secrets: readonly string[]): void {
  try {
    for (const secret of secrets) custom.validateSecret?.(secret)
  } catch {
    throw threw(custom, 'validateSecret')
  }
}

/** Standard Webhooks v1 in the words of `hmac()`. */
function standardLayout(prefix: string): HmacSpec {
  return {
    scheme: 'hmac',
    header: `${prefix}-signature`,
    prefix: 'v1,',
    encoding: 'base64',
    content: 'id.timestamp.body',
    format: 'spaced',
    secretEncoding: 'base64',
    idHeader: `${prefix}-id`,
    timestampHeader: `${prefix}-timestamp`,
  }
}

function checkMessage({ id, timestamp, type }: SignedMessage, sendsType: boolean): void {
  // A full stop in an id would let an old signature cover a new timestamp; a comma looks like two headers. What else
  // cannot stand in a header is left to the transport: looking at every character costs 3 % of a small signature.
  if (id === '' || id.length > 255 || id.includes('.') || id.includes(','))
    throw new SigningError('message-invalid', 'the id must have 1 to 255 characters without "." or ","')
  if (!Number.isInteger(timestamp) || timestamp < 1 || timestamp > 999_999_999_999)
    throw new SigningError('message-invalid', 'the timestamp must be in whole seconds since 1970')
  if (sendsType && !/^[!-~]([ -~]{0,253}[!-~])?$/.test(type))
    throw new SigningError('message-invalid', 'the type must be visible ASCII, as it is sent in a header')
}
