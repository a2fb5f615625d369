/** A bare connection as the client: its one session is the caller's, so the store may publish on it and nothing more. */
import { PosthornError } from '../../../errors.ts'
import type { Database, Executor } from '../executor.ts'
import { createDeadline } from './deadline.ts'
import type { ExecutorSettings } from './settings.ts'

/** `pool` names what a worker needs instead. */
export function onlyPublishes<Tx>(
  own: { readonly dialect: Database['dialect']; readonly driver: string; readonly pool: string },
  connection: Executor,
  join: (tx: Tx) => Executor,
  settings: ExecutorSettings,
): Database<Tx> {
  const deadline = createDeadline(own.driver, settings)
  return {
    dialect: own.dialect,
    driver: own.driver,
    canWork: false,
    query: (sql, parameters) => deadline('a statement', () => connection.query(sql, parameters)),
    transaction: () =>
      Promise.reject(
        new PosthornError(
          'INVALID_OPTION',
          `client: on a bare connection of ${own.driver} the store can only publish: the one session is yours, and a ` +
            `transaction of the store would mix with yours. Give it ${own.pool}.`,
          { path: 'client' },
        ),
      ),
    join,
    async close() {},
  }
}
