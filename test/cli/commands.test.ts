/** `npx posthorn migrate`, `migrate --print` and `doctor` on real databases: what they say, and their exit codes. */
import dns from 'node:dns'
import { existsSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openStore } from '../../src/cli/open-store.ts'
import { createWebhooks } from '../../src/index.ts'
import { freePort, temporaryFolder } from '../support/databases/server.ts'
import { quietLogger } from '../support/setup.ts'
import { type CliPlace, places } from './places.ts'
import { posthorn } from './said.ts'

const TABLES = [
  'attempts',
  'deliveries',
  'events',
  'migrations',
  'paces',
  'queue',
  'rollups',
  'subscriptions',
  'tenants',
]

/** The one that is not taken where several are installed. */
const OTHER_DRIVERS: Readonly<Record<string, string>> = {
  sqlite: 'libsql',
  postgres: 'postgres',
  mysql: 'mariadb',
}

/** The working directory is a project that has these packages, and no others. */
async function inProjectWith(packages: readonly string[]): Promise<string> {
  const folder = await temporaryFolder('cli')
  onTestFinished(folder.remove)
  await mkdir(join(folder.path, 'node_modules'))
  for (const name of packages)
    await symlink(join(process.cwd(), 'node_modules', name), join(folder.path, 'node_modules', name))
  const cwd = vi.spyOn(process, 'cwd').mockReturnValue(folder.path)
  onTestFinished(() => cwd.mockRestore())
  return folder.path
}

/** An event that waits for a worker. */
async function publishOne(url: string): Promise<void> {
  const opened = await openStore({ url })
  const webhooks = createWebhooks({ store: opened.store, logger: quietLogger })
  await webhooks.subscriptions.create({ tenantId: 'acme', url: 'https://receiver.example/hook' })
  await webhooks.publish('order.paid', { orderId: 'o1' }, { tenantId: 'acme' })
  await webhooks.stop()
  await opened.close()
}

describe.each(places)('on %s', (name, create) => {
  async function fresh(): Promise<CliPlace> {
    const place = await create()
    onTestFinished(() => place.drop())
    return place
  }

  it('migrate makes the tables, and has nothing to do a second time', async () => {
    const { url, tables, table } = await fresh()
    expect(await posthorn('migrate', '--url', url)).toEqual({
      code: 0,
      text: 'The tables went from version 0 to 1: create tables.',
    })
    expect(await tables()).toEqual(TABLES.map(table))
    expect(await posthorn('migrate', '--url', url)).toEqual({
      code: 0,
      text: 'The tables are at version 1: nothing to do.',
    })
  })

  it('migrate takes the database from the environment', async () => {
    const { url, tables, table } = await fresh()
    vi.stubEnv('DATABASE_URL', 'postgres://nobody@nowhere.invalid/nothing')
    vi.stubEnv('POSTHORN_DATABASE_URL', url)
    onTestFinished(() => void vi.unstubAllEnvs())
    expect((await posthorn('migrate')).code).toBe(0)
    expect(await tables()).toEqual(TABLES.map(table))
  })

  it('migrate puts the tables where it is told', async () => {
    const { url, tables } = await fresh()
    expect((await posthorn('migrate', '--url', url, '--schema', 'hooks', '--prefix', 'hooks_')).code).toBe(0)
    const prefix = name === 'postgres' ? 'hooks.' : 'hooks_'
    expect(await tables()).toEqual(TABLES.map((table) => prefix + table))
  })

  it('migrate --print changes nothing, and what it prints makes an installation that doctor finds well', async () => {
    const { url, tables, run } = await fresh()
    const printed = await posthorn('migrate', '--print', '--url', url)
    expect(printed.code).toBe(0)
    expect(await tables()).toEqual([])
    const statements = printed.text.split(/;\n/).filter((statement) => statement.trim() !== '')
    expect(statements.length).toBeGreaterThan(TABLES.length)
    await run(...statements)
    expect(await posthorn('migrate', '--url', url)).toMatchObject({
      text: 'The tables are at version 1: nothing to do.',
    })
    expect((await posthorn('doctor', '--url', url)).code).toBe(0)
  })

  it('doctor says that all is well, and how much waits', async () => {
    const { url } = await fresh()
    await posthorn('migrate', '--url', url)
    await publishOne(url)
    expect(await posthorn('doctor', '--url', url)).toEqual({
      code: 0,
      text: [
        `ok    The ${name} database answers.`,
        'ok    The tables are there, and new enough.',
        'ok    The clocks of the database and of this machine agree.',
        'ok    The queue moves: 1 due, 0 scheduled, 0 held.',
      ].join('\n'),
    })
  })

  it('every command goes through the driver that the project has', async () => {
    const { url, tables, table } = await fresh()
    const project = await inProjectWith([OTHER_DRIVERS[name] ?? ''])
    expect((await posthorn('migrate', '--url', url)).code).toBe(0)
    expect(await tables()).toEqual(TABLES.map(table))
    expect(await posthorn('doctor', '--url', url)).toMatchObject({ code: 0 })
    const opened = await openStore({ url })
    expect(await opened.query('select 1 as one')).toEqual([expect.objectContaining({ one: 1 })])
    await opened.close()
    expect(process.cwd()).toBe(project)
  })

  it('doctor names the command where there are no tables, and changes nothing', async () => {
    const { url, tables } = await fresh()
    expect(await tables()).toEqual([])
    const { code, text } = await posthorn('doctor', '--url', url)
    expect(code).toBe(1)
    expect(text).toMatch(
      /^ok .*answers\.\nCARE .*do not exist yet.*needs version 1: run .*`npx posthorn migrate`/,
    )
    expect(await tables()).toEqual([])
  })

  it('doctor names the command where the schema is behind', async () => {
    const { url, run, table } = await fresh()
    await posthorn('migrate', '--url', url)
    await run(`update ${table('migrations')} set version = 0`)
    const behind = await posthorn('doctor', '--url', url)
    expect(behind.code).toBe(1)
    expect(behind.text.split('\n')).toHaveLength(2)
    expect(behind.text).toMatch(/\nCARE .*needs version 1: run .*`npx posthorn migrate`/)
    await run(`update ${table('migrations')} set version = 1`)
    expect((await posthorn('doctor', '--url', url)).code).toBe(0)
  })

  it('doctor asks for a worker where the queue stands still', async () => {
    const { url, run, table } = await fresh()
    await posthorn('migrate', '--url', url)
    await publishOne(url)
    // Instants are in microseconds.
    await run(`update ${table('queue')} set due_at = due_at - 90 * 1000000`)
    const { code, text } = await posthorn('doctor', '--url', url)
    expect(code).toBe(1)
    const [last = ''] = text.split('\n').slice(-1)
    expect(last).toMatch(
      /^CARE {2}The oldest due row has waited for \d+ s \(1 due, 0 scheduled, 0 held\): is a process/,
    )
    expect(Number(/(\d+) s/.exec(last)?.[1])).toBeGreaterThanOrEqual(90)
  })
})

describe('a clock that is off', () => {
  it('is named by doctor, with what to do', async () => {
    const [, create] = places.find(([name]) => name === 'postgres') ?? []
    if (create === undefined) throw new Error('Postgres is always there.')
    const { url, run, drop } = await create()
    onTestFinished(() => drop())
    await posthorn('migrate', '--url', url)
    await run(
      'create schema skewed',
      `create function skewed.clock_timestamp() returns timestamptz language sql volatile as
        $$ select pg_catalog.clock_timestamp() + interval '10 minutes' $$`,
    )
    const skewed = new URL(url)
    skewed.searchParams.set('options', '-c search_path=skewed,pg_catalog')
    const { code, text } = await posthorn('doctor', '--url', skewed.href)
    expect(code).toBe(1)
    expect(text).toMatch(
      /CARE {2}The clocks of the database and of this machine differ by (599|600) s\..* NTP\./,
    )
  })
})

describe('a wrong question', () => {
  it.each([
    [
      ['migrate', '--url', 'oracle://db'],
      /none that Posthorn knows: give postgres:.*--url, or set DATABASE_URL/,
    ],
    [['doctor', '--url', ''], /none that Posthorn knows/],
    [['torture', '--url', 'redis://db'], /none that Posthorn knows/],
    [['torture', '--url', 'sqlite:x', '--minutes', '0'], /--minutes a positive one/],
    [['torture', '--url', 'sqlite:x', '--seed', '1.5'], /--seed must be a whole number/],
    [['migrate', '--urll', 'x'], /Unknown option '--urll'/],
    [['migrte'], /There is no command "migrte"\. Did you mean "migrate"\?[\s\S]*posthorn <command>/],
  ])('%j is told so, and ends with 2', async (argv, told) => {
    const { code, text } = await posthorn(...argv)
    expect(text).toMatch(told)
    expect(code).toBe(2)
  })

  it('doctor does not make the SQLite file that a mistyped path names', async () => {
    const folder = await temporaryFolder('cli')
    onTestFinished(folder.remove)
    const path = join(folder.path, 'typo.db')
    const { code, text } = await posthorn('doctor', '--url', `sqlite:${path}`)
    expect(text).toContain(`There is no SQLite file "${path}": correct the path`)
    expect(code).toBe(2)
    expect(existsSync(path)).toBe(false)
  })

  it('names the packages that are missing, and what to do with another client', async () => {
    await inProjectWith([])
    const { code, text } = await posthorn('migrate', '--url', 'mysql://root@127.0.0.1:1/x')
    expect(text).toMatch(/add mysql2 or mariadb to the project .*PGlite.*`await webhooks\.migrate\(\)`/)
    expect(code).toBe(2)
  })

  it('says of a package that is there and cannot be loaded what is wrong with it', async () => {
    const project = await inProjectWith([])
    await mkdir(join(project, 'node_modules/pg'), { recursive: true })
    await writeFile(join(project, 'node_modules/pg/index.js'), "throw new Error('built for another Node')")
    const { code, text } = await posthorn('migrate', '--url', 'postgres://127.0.0.1:1/x')
    expect(text).toMatch(/add pg or postgres .*cannot be loaded: built for another Node\./)
    expect(code).toBe(2)
  })

  it('shows no password of a URL that the driver cannot read', async () => {
    await inProjectWith(['mariadb'])
    const { code, text } = await posthorn('doctor', '--url', 'mysql://root:obviously-fake@127.0.0.1:1/')
    expect(text).toMatch(/cannot be read: give mysql:/)
    expect(text).not.toContain('obviously-fake')
    expect(code).toBe(2)
  })

  it.each(['migrate', 'doctor', 'torture'])(
    '%s without a URL says where it may come from',
    async (command) => {
      vi.stubEnv('DATABASE_URL', undefined)
      vi.stubEnv('POSTHORN_DATABASE_URL', undefined)
      onTestFinished(() => void vi.unstubAllEnvs())
      const { code, text } = await posthorn(command)
      expect(text).toMatch(/with --url, or set DATABASE_URL/)
      expect(code).toBe(2)
    },
  )

  it.each([[['help']], [['--help']], [['migrate', '--help']], [[]]])('%j: the help, and 0', async (argv) => {
    expect(await posthorn(...argv)).toMatchObject({
      code: 0,
      text: expect.stringContaining('posthorn <command> --url <database>'),
    })
  })
})

type Found = (error: null, addresses: readonly { address: string; family: number }[]) => void

describe('a server that is not there', () => {
  it.each(['postgres', 'mysql'])(
    'is told by doctor and by migrate, also where its name has two addresses (%s)',
    async (scheme) => {
      const port = await freePort()
      // As `localhost` does on many machines.
      const lookup = vi.spyOn(dns, 'lookup').mockImplementation(((
        _host: string,
        _options: object,
        done: Found,
      ) => {
        done(null, [
          { address: '127.0.0.1', family: 4 },
          { address: '::1', family: 6 },
        ])
      }) as never)
      onTestFinished(() => lookup.mockRestore())
      const url = `${scheme}://nobody@two.invalid:${port}/nothing`
      const doctor = await posthorn('doctor', '--url', url)
      expect(doctor.code).toBe(1)
      expect(doctor.text).toMatch(
        /^CARE {2}The \w+ database cannot be reached \(.*ECONNREFUSED.*\), so nothing was done\./,
      )
      const migrate = await posthorn('migrate', '--url', url)
      expect(migrate.code).toBe(1)
      expect(migrate.text).toMatch(/ECONNREFUSED/)
    },
  )
})
