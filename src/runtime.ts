/** Tells whether the runtime has the sockets that undici needs, without importing anything. */

/**
 * True on Node. False on Bun and Deno, whose `undici` ignores a dispatcher or whose sockets differ, and on
 * Workers and edge runtimes, which may well have a `process` object.
 */
export function hasNodeSockets(scope: typeof globalThis = globalThis): boolean {
  const versions: unknown = Reflect.get(scope.process ?? {}, 'versions')
  if (typeof versions !== 'object' || versions === null || !('node' in versions)) return false
  if ('bun' in versions || 'Bun' in scope || 'Deno' in scope || 'EdgeRuntime' in scope) return false
  return scope.navigator?.userAgent !== 'Cloudflare-Workers'
}
