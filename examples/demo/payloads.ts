/** The input: every real GitHub payload that `@octokit/webhooks-examples` holds, under names like `github.issues.opened`. */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** A payload and the event name it is published under. */
export interface Payload {
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
}

interface Example {
  readonly name: string
  readonly examples: readonly Readonly<Record<string, unknown>>[]
}

/** All payloads: those of github.com first, then those of each GitHub Enterprise version. */
export function readPayloads(): readonly Payload[] {
  const manifest = createRequire(import.meta.url).resolve('@octokit/webhooks-examples/package.json')
  const folder = dirname(manifest)
  const sources = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
    .map((entry) => join(folder, entry.name, 'index.json'))
    .sort()
  return sources.flatMap((file) =>
    (JSON.parse(readFileSync(file, 'utf8')) as readonly Example[]).flatMap(({ name, examples }) =>
      examples.map((data) => ({ type: eventName(name, data.action), data })),
    ),
  )
}

function eventName(name: string, action: unknown): string {
  return typeof action === 'string' ? `github.${name}.${action}` : `github.${name}`
}
