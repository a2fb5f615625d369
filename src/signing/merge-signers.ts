/** Several schemes on one subscription: one set of headers. What cannot share a header is refused when it is built. */

import { type HeaderRole, headerRoles } from './header-roles.js'
import type { Scheme, SignatureHeaders } from './scheme.js'
import type { Signer } from './signers/signer.js'
import { SigningError } from './signing-error.js'

/**
 * Joins signature lists by a space, in the order of the entries; ids, timestamps and event types are the same.
 *
 * @throws SigningError `header-clash` naming the header and both schemes.
 */
export function mergeSigners(
  entries: readonly { readonly scheme: Scheme }[],
  signers: readonly Signer[],
): Signer {
  const roles = mergedRoles(entries.map(({ scheme }) => scheme))
  const lists = new Set([...roles].filter(([, role]) => role === 'signature-list').map(([name]) => name))
  const merge = (all: readonly SignatureHeaders[]): SignatureHeaders => {
    const merged: SignatureHeaders = {}
    for (const headers of all)
      for (const [name, value] of Object.entries(headers))
        merged[name] = lists.has(name) && name in merged ? `${merged[name]} ${value}` : value
    return merged
  }
  return (message) => {
    const all = signers.map((sign) => sign(message))
    return isSettled(all) ? merge(all) : Promise.all(all).then(merge)
  }
}

const isSettled = (
  all: readonly (SignatureHeaders | Promise<SignatureHeaders>)[],
): all is SignatureHeaders[] => !all.some((one) => one instanceof Promise)

function mergedRoles(schemes: readonly Scheme[]): ReadonlyMap<string, HeaderRole> {
  const roles = new Map<string, HeaderRole>()
  const owners = new Map<string, string>()
  for (const scheme of schemes) {
    const owner = scheme.custom?.name ?? scheme.spec.scheme
    for (const [name, role] of headerRoles(scheme)) {
      if (roles.has(name) && (roles.get(name) !== role || role === 'signature'))
        throw new SigningError(
          'header-clash',
          `schemes "${owners.get(name)}" and "${owner}" both write ${name}`,
        )
      roles.set(name, role)
      owners.set(name, owner)
    }
  }
  return roles
}
