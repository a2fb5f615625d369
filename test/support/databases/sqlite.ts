/** SQLite for tests: files in folders of their own, opened by the two drivers that run on every Node. */
import { DatabaseSync } from '@photostructure/sqlite'
import Libsql from 'libsql'
import { temporaryFolder } from './server.ts'

/** A path for a database that does not exist yet. Remove it when its handles are closed. */
export async function createSqliteFile(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const folder = await temporaryFolder('sqlite')
  return { path: `${folder.path}/app.db`, remove: folder.remove }
}

/** The drivers, by the shape they stand for: `@photostructure/sqlite` has the API of node:sqlite, libsql that of better-sqlite3. */
export const sqliteDrivers = {
  'node:sqlite': (path: string) => new DatabaseSync(path),
  'better-sqlite3': (path: string) => new Libsql(path),
} as const
