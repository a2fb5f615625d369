/** node:crypto for the sending side, picked at run time so that the file also loads where there is none. */

/** `node:crypto` (Node, Bun, Deno, Workers with nodejs_compat), or undefined. */
export const nodeCrypto = (): typeof import('node:crypto') | undefined =>
  globalThis.process?.getBuiltinModule?.('node:crypto')
