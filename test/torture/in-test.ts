/** Runs scenarios with reduced counts as tests of vitest: one case for each database. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { mysqlServer } from '../support/databases/mysql.ts'
import { postgresServer } from '../support/databases/postgres.ts'
import { runScenario } from './bench/bench.ts'
import { buildPrograms } from './bench/programs.ts'
import type { Kind, Scenario } from './scenario.ts'

/** Long enough for a machine that is busy with other test files. */
const PATIENCE_MS = 120_000

/** `kinds` leaves databases to the long tier. */
export function tortureTests(
  cases: readonly { readonly scenario: Scenario; readonly kinds?: readonly Kind[] }[],
): void {
  let built: Awaited<ReturnType<typeof buildPrograms>> | undefined
  beforeAll(async () => {
    built = await buildPrograms()
  }, PATIENCE_MS)
  afterAll(() => built?.remove())

  for (const { scenario, kinds = scenario.kinds } of cases) {
    it.each(kinds)(
      `${scenario.number}. ${scenario.name} (%s)`,
      async (kind) => {
        if (built === undefined) throw new Error('The programs were not built.')
        const seed = 1 + Math.floor(Math.random() * 1_000_000)
        const given = { seed, full: false, programs: built.programs, say() {} }
        const servers = (which: 'postgres' | 'mysql') =>
          which === 'postgres' ? postgresServer() : mysqlServer()
        const found = await runScenario(scenario, kind, given, servers)
        if ('skipped' in found) return
        expect(found, `npm run torture -- --only ${scenario.number} --seed ${seed}`).toMatchObject({
          problems: [],
        })
      },
      PATIENCE_MS,
    )
  }
}
