/** Migrates a database: says when it begins, so that it can be killed in the middle. */
import { openStore } from '../../../src/cli/open-store.ts'

export async function runMigrator(): Promise<void> {
  const opened = await openStore(JSON.parse(process.env.MIGRATE ?? '{}').place)
  process.on('disconnect', () => process.exit(0))
  await opened.store.now()
  process.send?.('begins')
  await opened.store.migrate()
  await opened.close()
  process.exit(0)
}
