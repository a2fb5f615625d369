/** The database drivers of the project: looked up from the working directory, because the library brings none. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { PosthornError } from '../errors.ts'

/** A driver that is installed, and what it exports. */
export interface Driver {
  readonly name: string
  readonly found: Record<string, unknown>
}

/**
 * The first of these that can be loaded.
 *
 * @throws PosthornError `INVALID_OPTION` when there is none
 */
export async function firstDriver(names: readonly string[]): Promise<Driver> {
  const causes: unknown[] = []
  for (const name of names) {
    try {
      return { name, found: await load(name) }
    } catch (cause) {
      causes.push(cause)
    }
  }
  throw missing(names, causes.find(isBroken) ?? causes[0])
}

async function load(name: string): Promise<Record<string, unknown>> {
  if (name.startsWith('node:')) return await import(name)
  const require = createRequire(pathToFileURL(join(process.cwd(), 'package.json')))
  return (await import(pathToFileURL(require.resolve(name)).href)) as Record<string, unknown>
}

/** An export of a driver, whichever way its CommonJS arrives here. */
export function member(found: Record<string, unknown>, name: string): unknown {
  return found[name] ?? (found.default as Record<string, unknown> | undefined)?.[name]
}

/** It is there, and cannot be loaded. */
function isBroken(cause: unknown): boolean {
  const { code } = cause as { readonly code?: unknown }
  return code !== 'MODULE_NOT_FOUND' && code !== 'ERR_UNKNOWN_BUILTIN_MODULE'
}

function missing(names: readonly string[], cause: unknown): PosthornError {
  const packages = names.filter((name) => !name.startsWith('node:')).map((name) => name.split('/promise')[0])
  const builtIn = names.includes('node:sqlite') ? ' (node:sqlite comes with Node 22.13 and newer)' : ''
  const why = isBroken(cause) ? ` What is there cannot be loaded: ${(cause as Error).message}.` : ''
  const message = `No driver for this database is installed here: add ${packages.join(' or ')}${builtIn} to the project and run the command in its folder.${why} With another client (PGlite, bun:sqlite …) call \`await webhooks.migrate()\` in your own code.`
  return new PosthornError('INVALID_OPTION', message, { path: 'url', cause })
}
