/** The sending half of a custom scheme: calls it, and holds it to the headers that it declared. */

import type { CustomScheme, SignatureHeaders } from '../scheme.js'
import { SigningError } from '../signing-error.js'
import type { Signer } from './signer.js'

/** Any promise, whatever made it. */
const isThenable = (value: unknown): value is PromiseLike<SignatureHeaders> =>
  typeof Object(value).then === 'function'

/** An empty answer or an undeclared header is an error: the request must not go out unsigned. */
export function customSigner(custom: CustomScheme, secrets: readonly string[]): Signer {
  const check = (headers: SignatureHeaders): SignatureHeaders => {
    const checked: SignatureHeaders = {}
    for (const [name, value] of Object.entries(headers ?? {})) {
      const lower = name.toLowerCase()
      if (!custom.headers.includes(lower))
        throw new SigningError('message-invalid', `custom scheme "${custom.name}" wrote an undeclared header`)
      if (typeof value !== 'string' || !/^[\t -~]*$/.test(value))
        throw new SigningError(
          'message-invalid',
          `custom scheme "${custom.name}": "${lower}" is not ASCII text`,
        )
      checked[lower] = value
    }
    if (custom.headers.length > 0 && Object.keys(checked).length === 0)
      throw new SigningError('message-invalid', `custom scheme "${custom.name}" returned no headers`)
    return checked
  }
  return (message) => {
    let headers: ReturnType<CustomScheme['sign']>
    try {
      headers = custom.sign(message, secrets)
    } catch {
      throw threw(custom, 'sign')
    }
    if (!isThenable(headers)) return check(headers)
    const fail = (): never => {
      throw threw(custom, 'sign')
    }
    return Promise.resolve(headers).catch(fail).then(check)
  }
}

/** What the host's code threw may quote the secret, so it is neither shown nor kept as the cause. */
export const threw = ({ name }: CustomScheme, what: string): SigningError =>
  new SigningError(
    'message-invalid',
    `custom scheme "${name}": \`${what}\` threw, and what it threw may hold the secret`,
  )
