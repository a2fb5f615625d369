/** The reference pages of docs/ against the code they describe: nothing is missing there, and nothing is stale. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { FAILURE_KINDS } from '../src/delivery/failure-kinds.ts'
import { routes } from '../src/http/routes.ts'
import { OPTION_NAMES } from '../src/options.ts'
import { memoryStore } from '../src/stores/memory.ts'
import { createWebhooks } from '../src/webhooks.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const section = (text: string, heading: string) =>
  text.split(/^## /m).find((part) => part.startsWith(heading)) ?? ''
const headings = (text: string) => [...text.matchAll(/^### (\S+)$/gm)].map(([, name]) => name)

/** The members of `type Name = 'A' | 'B' …` in a source file, in its order. */
function unionOf(file: string, name: string): string[] {
  const source = read(file).replace(/\/\*\*[\s\S]*?\*\//g, '')
  const [, union = ''] = source.split(`export type ${name} =`)
  return [...(union.split(/\n(?:\n|\/|export)/)[0] ?? '').matchAll(/\| '([^']+)'/g)].map(
    ([, code = '']) => code,
  )
}

/** The fields that an interface of a source file has itself. */
function fieldsOf(file: string, name: string): string[] {
  const [, body = ''] = read(file).split(new RegExp(`export interface ${name}\\b[^{]*\\{\\n`))
  return [...(body.split('\n}')[0] ?? '').matchAll(/^ {2}readonly (\w+)\??:/gm)].map(
    ([, field = '']) => field,
  )
}

/** What the first cells of a section's tables name. */
const rowsOf = (text: string) =>
  [...text.matchAll(/^\| ((?:`\w+`(?:, )?)+) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
  )

describe('docs/errors.md', () => {
  const page = read('docs/errors.md')
  it.each([
    ['Codes of PosthornError', 'src/errors.ts', 'ErrorCode', 20],
    ['Codes of VerificationError', 'src/signing/verification-error.ts', 'VerificationErrorCode', 10],
    ['Codes of SigningError', 'src/signing/signing-error.ts', 'SigningErrorCode', 5],
    ['Codes over HTTP', 'src/http/problem.ts', 'HttpErrorCode', 8],
  ])('has one entry for each of the %s, in order, and no other', (heading, file, type, least) => {
    const codes = unionOf(file, type)
    expect(codes.length).toBeGreaterThan(least)
    expect(headings(section(page, heading))).toEqual(codes)
  })

  it('says of every code of the library what happened, the likely cause and the fix', () => {
    for (const heading of ['Codes of PosthornError', 'Codes of VerificationError', 'Codes of SigningError']) {
      for (const entry of section(page, heading).split(/^### /m).slice(1)) {
        for (const part of ['What happened', 'Likely cause', 'Fix'])
          expect(entry, entry.slice(0, 30)).toMatch(new RegExp(`\\*\\*${part}:\\*\\* \\S`))
      }
    }
  })

  it('knows no code that nothing throws', () => {
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !['errors.ts', join('http', 'problem.ts')].includes(file))
      .map((file) => read(join('src', file)).replace(/\/\*\*[\s\S]*?\*\//g, ''))
      .join('\n')
    expect(unionOf('src/errors.ts', 'ErrorCode').filter((code) => !sources.includes(`'${code}'`))).toEqual([])
  })
})

describe('docs/options.md', () => {
  it('has every option of createWebhooks, and no other', () => {
    const rows = [...read('docs/options.md').matchAll(/^### `(\w+)`/gm)].map(([, name]) => name)
    expect([...rows].sort()).toEqual([...OPTION_NAMES].sort())
  })

  it('says the type and the default of each', () => {
    for (const entry of read('docs/options.md').split(/^### /m).slice(1)) {
      expect(entry, entry.slice(0, 30)).toMatch(/^\* Type: \S/m)
      expect(entry, entry.slice(0, 30)).toMatch(/^\* Default: \S/m)
    }
  })
})

describe('docs/options.md, beyond createWebhooks,', () => {
  const page = read('docs/options.md')

  it('has every option of the stores, and no other', () => {
    const fields = [
      ...fieldsOf('src/stores/postgres.ts', 'PostgresStoreOptions'),
      ...fieldsOf('src/stores/mysql.ts', 'MysqlStoreOptions'),
      ...fieldsOf('src/stores/sqlite.ts', 'SqliteStoreOptions'),
      ...fieldsOf('src/stores/sql/executors/settings.ts', 'ExecutorSettings'),
      ...fieldsOf('src/stores/sql/executors/sqlite.ts', 'SqliteSettings'),
      ...fieldsOf('src/stores/sql/orm/orm-store.ts', 'OrmStoreOptions'),
      ...fieldsOf('src/stores/sql/orm/prisma.ts', 'PrismaSettings'),
    ]
    expect(fields.length).toBeGreaterThan(15)
    expect(rowsOf(section(page, 'Options of the stores')).sort()).toEqual([...new Set(fields)].sort())
  })

  it('has every option of publish, and no other', () => {
    const fields = fieldsOf('src/delivery/publish.ts', 'PublishOptions')
    expect(fields.length).toBeGreaterThan(10)
    expect(rowsOf(section(page, 'Options of calls')).sort()).toEqual(fields.sort())
  })
})

describe('docs/calls.md', () => {
  const page = read('docs/calls.md')
  const webhooks = createWebhooks({ store: memoryStore() })
  const methodsOf = (value: object) =>
    Object.entries(value).flatMap(([name, member]) => (typeof member === 'function' ? [name] : []))
  /** The methods that the tables of these sections name in their first cells. */
  const calls = (...names: string[]) =>
    new Set(
      names.flatMap((name) =>
        [...section(page, name).matchAll(/^\| `(\w+)\(/gm)].map(([, method = '']) => method),
      ),
    )

  it.each(['subscriptions', 'deliveries', 'jobs', 'attempts', 'events'] as const)(
    'has every method of %s, and no other',
    (group) => {
      const methods = methodsOf(webhooks[group])
      expect(methods.length).toBeGreaterThan(0)
      expect([...calls(`\`${group}\``)].sort()).toEqual(methods.sort())
    },
  )

  it('has every method of the sender itself, and no other', () => {
    const methods = methodsOf(webhooks)
    expect(methods.length).toBeGreaterThan(10)
    expect([...calls('Sending', 'Watching', 'For operators')].sort()).toEqual(methods.sort())
  })

  it('names every field of a subscription that a caller may give, and no other', () => {
    const input = ['SubscriptionFields', 'NewSubscriptionInput', 'SubscriptionChanges'].flatMap((name) =>
      fieldsOf('src/subscriptions/input.ts', name),
    )
    expect(input.length).toBeGreaterThan(15)
    expect(rowsOf(section(page, '`subscriptions`')).sort()).toEqual([...new Set(input)].sort())
  })

  it.each([
    ['hmac', ['src/signing/hmac-options.ts HmacOptions']],
    [
      'Transports',
      [
        'src/transports/connection-options.ts ConnectionOptions',
        'src/transports/undici.ts UndiciTransportOptions',
        'src/transports/ky.ts KyTransportOptions',
      ],
    ],
  ])('has every option of %s, and no other', (heading, sources) => {
    const fields = sources.flatMap((source) => {
      const [file = '', name = ''] = source.split(' ')
      return fieldsOf(file, name)
    })
    expect(fields.length).toBeGreaterThan(8)
    expect(rowsOf(section(page, heading)).sort()).toEqual([...new Set(fields)].sort())
  })

  it('has every hook, and no other', () => {
    const [, body = ''] = read('src/hooks.ts').split('export interface Hooks {')
    const hooks = [...body.matchAll(/^ {2}(\w+)\?\(/gm)].map(([, name]) => name)
    expect(hooks.length).toBeGreaterThan(4)
    expect(rowsOf(section(page, 'Hooks'))).toEqual(hooks)
  })
})

describe('docs/http-api.md', () => {
  it('has every route with its role and status, and no other', () => {
    const rows = [...read('docs/http-api.md').matchAll(/^\| `([A-Z]+) (\S+)` \| (\S+) \| (\d+) \|/gm)]
    expect(rows.map(([, ...cells]) => cells.join(' ')).sort()).toEqual(
      routes.map(({ method, path, role, status }) => `${method} ${path} ${role} ${status}`).sort(),
    )
  })
})

describe('docs/failures.md', () => {
  it('has every kind, in order, and no other', () => {
    expect(headings(read('docs/failures.md'))).toEqual([...FAILURE_KINDS])
  })
})

describe('docs/writing-a-store.md', () => {
  it('names every operation of the contract, and no other', () => {
    const table = section(read('docs/writing-a-store.md'), 'The operations')
    const named = [...table.matchAll(/^\|.*$/gm)].flatMap(([row]) =>
      [...row.matchAll(/`(\w+)`/g)].map(([, name]) => name),
    )
    const optional = ['migrate', 'checkWork', 'runsAtOnce']
    const ofMemory = Object.keys(memoryStore()).filter((name) => name !== 'transaction')
    expect(named.sort()).toEqual([...ofMemory, ...optional].sort())
  })
})
