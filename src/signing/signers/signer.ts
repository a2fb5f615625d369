/** What every sending half is: a function from a message to the headers of one attempt. */

import type { SignatureHeaders, SignedMessage } from '../scheme.js'

/**
 * Signs one message. Returns a plain record where node:crypto exists and the scheme is built in, else a promise.
 *
 * @throws SigningError `message-invalid` when id, timestamp or type cannot be sent in a header.
 */
export type Signer = (message: SignedMessage) => SignatureHeaders | Promise<SignatureHeaders>
