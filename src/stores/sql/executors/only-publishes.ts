/**
 * A bare connection as the client: its one session is the caller's, so the store may publish on it and read, one statement at a
 * time, and nothing more. A claim there would see what the caller has not committed, and send it.
 */
import { PosthornError } from '../../../errors.ts'
import type { Database, Executor, Joined } from '../executor.ts'
import { createDeadline } from './deadline.ts'
import type { ExecutorSettings } from './settings.ts'

/** `pool` names what a worker needs instead. */
export function onlyPublishes<Tx>(
  own: { readonly dialect: Database['dialect']; readonly driver: string; readonly pool: string },
  connection: Executor,
  join: (tx: Tx) => Joined,
  settings: ExecutorSettings,
): Database<Tx> {
  const deadline = createDeadline(own.driver, settings)
  const refused = () =>
    new PosthornError(
      'INVALID_OPTION',
      `client: on a bare connection of ${own.driver} the store can only publish: the one session is yours, and a ` +
        `transaction of the store would mix with yours. Give it ${own.pool}.`,
      { path: 'client' },
    )
  return {
    dialect: own.dialect,
    driver: own.driver,
    query: (sql, parameters) => deadline('a statement', () => connection.query(sql, parameters)),
    transaction: () => Promise.reject(refused()),
    checkWork() {
      throw refused()
    },
    join,
    async close() {},
  }
}
