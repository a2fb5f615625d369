/** LISTEN over a `pg` Pool: keeps one connection of it. When it is lost the hints end, and polling finds the work. */
import { createDeadline } from './deadline.ts'
import type { PgPool, PgPoolClient } from './pg.ts'
import { watchConnecting } from './pg-connecting.ts'
import type { ExecutorSettings } from './settings.ts'

/** Returns the way to stop. @throws PosthornError `STORE_FAILED` when it did not listen in time */
export async function listenOnPg(
  pool: PgPool,
  settings: ExecutorSettings,
  channel: string,
  onMessage: (payload: string) => void,
): Promise<() => Promise<void>> {
  const deadline = createDeadline('pg', settings)
  const client = await connectTo(pool, deadline)
  let open = true
  const hear = (detail: unknown): void => onMessage(String((detail as { payload?: unknown }).payload ?? ''))
  const lost = (): void => {
    if (!open) return
    open = false
    client.removeListener('notification', hear)
    client.release(true)
  }
  client.on('error', lost)
  client.on('notification', hear)
  try {
    const text = `listen "${channel.replaceAll('"', '""')}"`
    await deadline('a statement', () => client.query({ text, values: [] }))
  } catch (error) {
    lost()
    throw error
  }
  return async () => lost()
}

function connectTo(pool: PgPool, deadline: ReturnType<typeof createDeadline>): Promise<PgPoolClient> {
  let giveUp = (): void => {}
  const start = () => {
    const client = pool.connect()
    giveUp = watchConnecting(pool)
    return client
  }
  return deadline('waiting for a connection', start, {
    late: (client) => client.release(),
    over: () => giveUp(),
  })
}
