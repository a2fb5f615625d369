#!/usr/bin/env node
/** `npx posthorn`: migrate the tables, look at an installation, and torture a database. Picks the command, nothing else. */
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { isPosthornError } from '../errors.ts'
import { closest } from '../input/closest.ts'
import type { StorePlace } from './open-store.ts'
import { reason } from './reason.ts'

const HELP = `posthorn <command> --url <database>

  migrate            creates the tables, or brings them to this version
  migrate --print    prints the statements instead of running them
  doctor             says what is wrong with an installation, and how to mend it
  torture            kills, freezes and replaces workers over your database for about three minutes, in tables of its
                     own, and counts what was lost

  --url     postgres://…, mysql://… or sqlite:path/to/file; default: POSTHORN_DATABASE_URL, then DATABASE_URL
  --schema  schema of the tables on Postgres (default: posthorn)
  --prefix  prefix of the tables elsewhere (default: posthorn_)
  --seed    of torture, to play a run again
  --minutes of torture (default: 3)
`

const options = {
  url: { type: 'string' },
  schema: { type: 'string' },
  prefix: { type: 'string' },
  print: { type: 'boolean' },
  seed: { type: 'string' },
  minutes: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

/** What a command gets, and where it writes. */
export interface Invocation {
  readonly place: StorePlace
  readonly print: boolean
  readonly seed: number | null
  readonly minutes: number
  readonly entry: string
  write(line: string): void
}

type Command = (invocation: Invocation) => Promise<number>

/** Loaded when asked for, so that one command does not wait for the others. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  migrate: async () => (await import('./migrate.ts')).migrateCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  torture: async () => (await import('./torture/command.ts')).tortureCommand,
}

/** The processes of a torture run; not for people. */
const processes: Readonly<Record<string, () => Promise<() => void | Promise<void>>>> = {
  'torture-receiver': async () => (await import('./torture/receiver.ts')).runReceiver,
  'torture-producer': async () => (await import('./torture/producer.ts')).runProducer,
  'torture-worker': async () => (await import('./torture/worker.ts')).runWorker,
}

/** Runs one command. Returns the exit code: 0 well, 1 found something wrong, 2 was asked wrongly. */
export async function main(argv: readonly string[], write: (line: string) => void): Promise<number> {
  const [name = 'help', ...rest] = argv
  const own = processes[name]
  if (own !== undefined) {
    await (await own())()
    return 0
  }
  const load = commands[name]
  if (load === undefined) {
    const near = closest(name, Object.keys(commands))
    if (!['help', '--help', '-h'].includes(name)) {
      write(`There is no command "${name}".${near === undefined ? '' : ` Did you mean "${near}"?`}`)
    }
    write(HELP)
    return ['help', '--help', '-h'].includes(name) ? 0 : 2
  }
  try {
    const { values } = parseArgs({ args: rest, options, allowPositionals: false })
    if (values.help === true) {
      write(HELP)
      return 0
    }
    return await (await load())(invocationOf(values, write))
  } catch (error) {
    write(reason(error))
    const asked =
      isPosthornError(error, 'INVALID_OPTION') ||
      (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS')
    return asked === true ? 2 : 1
  }
}

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

function invocationOf(values: Values, write: (line: string) => void): Invocation {
  const { POSTHORN_DATABASE_URL, DATABASE_URL } = process.env
  return {
    place: {
      url: values.url ?? POSTHORN_DATABASE_URL ?? DATABASE_URL ?? '',
      schema: values.schema,
      prefix: values.prefix,
    },
    print: values.print === true,
    seed: values.seed === undefined ? null : Number(values.seed),
    minutes: Number(values.minutes ?? 3),
    entry: fileURLToPath(import.meta.url),
    write,
  }
}

const started = process.argv[1]
if (started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2), (line) => void process.stdout.write(`${line}\n`))
}
