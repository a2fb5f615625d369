/**
 * `npm run api -- <name> [--port N] [--store memory|sqlite|postgres] [--fast]`: starts one of the five backends, says
 * so in one line of JSON, and runs until SIGTERM or SIGINT.
 */
import { parseArgs } from 'node:util'
import { settingOf } from './setting.ts'
import { openStore, STORES } from './stores.ts'

const backends = {
  'jobs-cloud': () => import('./jobs-cloud.ts'),
  workflows: () => import('./workflows.ts'),
  'admin-console': () => import('./admin-console.ts'),
  'team-tasks': () => import('./team-tasks.ts'),
  'test-runs': () => import('./test-runs.ts'),
}

function usage(problem: string): never {
  const names = Object.keys(backends).join(' | ')
  console.error(`${problem}\nnpm run api -- <${names}> [--port N] [--store ${STORES.join('|')}] [--fast]`)
  process.exit(2)
}

function readArguments() {
  try {
    const options = {
      port: { type: 'string', default: '0' },
      store: { type: 'string', default: 'memory' },
      fast: { type: 'boolean', default: false },
    } as const
    return parseArgs({ options, allowPositionals: true })
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
}

const { values, positionals } = readArguments()
const [name = ''] = positionals
const load = Object.entries(backends).find(([known]) => known === name)?.[1]
if (load === undefined || positionals.length > 1) usage(`There is no backend "${positionals.join(' ')}".`)
const port = /^\d{1,5}$/.test(values.port) ? Number(values.port) : 65_536
if (port > 65_535) usage(`--port must be a number from 0 to 65535, not "${values.port}".`)
const storeName =
  STORES.find((known) => known === values.store) ?? usage(`There is no store "${values.store}".`)

const { store, remove } = await openStore(storeName)
const { start } = await load()
const running = await start(settingOf(port, values.fast, store))
const { credentials } = running
console.log(JSON.stringify({ ready: true, url: `http://127.0.0.1:${running.port}`, credentials }))

let stopping = false
async function stop(): Promise<void> {
  if (stopping) return
  stopping = true
  await running.close()
  await remove()
  process.exit(0)
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)
// npm passes a signal on to its shell only, which ends and leaves this process behind: then it has a new parent.
if (process.env.npm_lifecycle_event === 'api') {
  const parent = process.ppid
  const watch = () => void (process.ppid === parent || stop())
  setInterval(watch, 200).unref()
}
