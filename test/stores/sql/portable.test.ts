/**
 * Engines that speak Postgres and spread a table over machines (Citus, CockroachDB, YugabyteDB) lack some of its features. What
 * runs for every event must not need them; `docs/scaling.md` names what does elsewhere.
 */
import { describe, expect, it } from 'vitest'
import { postgresStore } from '../../../src/stores/postgres.ts'
import * as append from '../../../src/stores/sql/append-statements.ts'
import * as claim from '../../../src/stores/sql/claim-statements.ts'
import { postgres } from '../../../src/stores/sql/dialects/postgres.ts'
import * as queue from '../../../src/stores/sql/queue.ts'
import * as record from '../../../src/stores/sql/record-statements.ts'
import { createTables } from '../../../src/stores/sql/schema.ts'
import { compile } from '../../../src/stores/sql/template.ts'
import { hotStatements } from './hot-statements.ts'

const wordings = { ...append, ...claim, ...record, FINISH: queue.FINISH, HAND_BACK: queue.HAND_BACK }
const named = Object.entries(wordings).flatMap(([name, template]): [string, string][] => {
  if (typeof template === 'string')
    return /\b(select|insert|update|delete)\b/i.test(template) ? [[name, template]] : []
  if (name === 'candidates') return [[name, claim.candidates(256, true)(postgres)]]
  if (name !== name.toUpperCase()) return []
  return [template].flat().map((one) => [name, (one as (dialect: typeof postgres) => string)(postgres)])
})
const explained = hotStatements.map(({ name, template }): [string, string] => [
  name,
  typeof template === 'string' ? template : template(postgres),
])
const statements = [...named, ...explained].map(([name, text]): [string, string] => [
  name,
  compile(text, postgres, (table) => postgres.table('posthorn', table), false).sql,
])

describe('what runs for every event', () => {
  it('is all looked at', () => {
    expect(statements.length).toBeGreaterThan(35)
  })

  it.each(statements)('%s needs nothing that distributed engines lack', (_name, sql) => {
    expect(sql).not.toMatch(/advisory|pg_try|\b(un)?listen\b|notify/i)
    expect(sql).not.toMatch(/currval|lastval|setval|\bctid\b|xmin|tableoid|pg_(class|stat|catalog)/i)
    expect(sql).not.toMatch(
      /\block table\b|\bmerge into\b|\btemp(orary)? table\b|\bcursor\b|\bcopy\b|\bsavepoint\b/i,
    )
  })

  it('takes a sequence for a number of its own only, never as a high-water mark', () => {
    for (const [name, sql] of statements) {
      if (!/nextval/i.test(sql)) continue
      expect(name).toMatch(/^APPEND_/)
      expect(sql.match(/nextval/gi)).toHaveLength(1)
    }
    for (const [, sql] of statements) expect(sql).not.toMatch(/\b(sequence|number) > \$/)
  })

  it('begins every key of a table, and every unique index, with the tenant', () => {
    const tables = createTables(postgres, 'posthorn').join(';\n')
    const keys = [...tables.matchAll(/primary key \(([^)]*)\)|unique index \S+ on \S+ \(([^)]*)\)/g)]
    expect(keys.length).toBeGreaterThan(8)
    for (const [, primary, unique] of keys) expect(primary ?? unique).toMatch(/^tenant_id\b/)
  })

  it('is what a store without `listen` runs: it asks for no connection of its own', () => {
    const store = postgresStore({
      client: {
        connect: async () => {},
        query: async () => {},
        on: () => {},
        listeners: () => [],
        totalCount: 0,
      } as never,
    })
    expect(store.onWake).toBeUndefined()
  })
})
