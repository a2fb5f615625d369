/** `posthorn migrate`: brings the tables to this version, or prints how. */
import type { Invocation } from './main.ts'
import { openStore } from './open-store.ts'

export async function migrateCommand({ place, print, write }: Invocation): Promise<number> {
  const opened = await openStore(place)
  try {
    if (print) {
      write(opened.store.migrationSql())
      return 0
    }
    const { from, to, applied } = await opened.store.migrate()
    if (applied.length === 0) write(`The tables are at version ${to}: nothing to do.`)
    else write(`The tables went from version ${from} to ${to}: ${applied.join(', ')}.`)
    return 0
  } finally {
    await opened.close()
  }
}
