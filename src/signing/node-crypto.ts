/** node:crypto, picked at run time so that the same file also loads where there is none. */

/** `node:crypto` (Node, Bun, Deno, Workers with nodejs_compat), or undefined. */
export const nodeCrypto: typeof import('node:crypto') | undefined =
  /* @__PURE__ */ globalThis.process?.getBuiltinModule?.('node:crypto')
