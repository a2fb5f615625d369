/**
 * Ends attempts to connect that are as old as a whole deadline. Without `connectionTimeoutMillis`, which is off by default, a `pg`
 * Pool waits for a server that has taken the connection and says nothing for as long as the socket stays open, and each of them
 * takes a place of the pool: after `max` of them nothing is left, even when the server has long been back.
 */
import type { PgPool } from './pg.ts'

/** A client of the pool, as far as it shows: the same members by which the pool itself ends what takes too long. */
interface Connecting {
  readonly _connecting?: boolean
  readonly _connected?: boolean
  readonly connection?: { readonly stream?: { destroy?(): void } }
}

const isConnecting = (client: Connecting): boolean =>
  client._connecting === true && client._connected === false

/** Looks who is connecting now; what it returns ends those of them that still are. Pools that show none lose nothing by it. */
export function watchConnecting(pool: PgPool): () => void {
  const { _clients: clients } = pool as { readonly _clients?: readonly Connecting[] }
  const seen = Array.isArray(clients) ? clients.filter(isConnecting) : []
  return () => {
    for (const client of seen) if (isConnecting(client)) client.connection?.stream?.destroy?.()
  }
}
