/**
 * The mutation check of the guard's wiring: a transport in which one line has been weakened must fail one of `guard-checks.ts`.
 * A mutant whose line is gone fails too, so that the list keeps up with the code.
 */
import { readFile } from 'node:fs/promises'
import { isBuiltin } from 'node:module'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { describe, expect, it, onTestFinished } from 'vitest'
import { temporaryFolder } from '../support/databases/server.ts'
import { failures, type Wiring } from './guard-checks.ts'

const root = new URL('../..', import.meta.url).pathname

interface Mutant {
  readonly name: string
  readonly file: string
  readonly line: string
  readonly weakened: string
}

const mutants: readonly Mutant[] = (
  [
    [
      'the text of the URL is not judged',
      'transports/request-head.ts',
      'guard?.judgeUrl(given).allowed === false',
      'false',
    ],
    [
      'a URL that was read is not judged again',
      'transports/request-head.ts',
      'known !== undefined && (guard === undefined || guard.judgeUrl(given).allowed)',
      'known !== undefined',
    ],
    [
      'undici forgets the guard of the request',
      'transports/undici.ts',
      'request.guard ?? options.guard',
      'options.guard',
    ],
    [
      'undici forgets its own guard',
      'transports/undici.ts',
      'request.guard ?? options.guard',
      'request.guard',
    ],
    [
      'undici prefers its own guard',
      'transports/undici.ts',
      'request.guard ?? options.guard',
      'options.guard ?? request.guard',
    ],
    ['undici judges the text only', 'transports/undici.ts', '            guard,\n', ''],
    [
      'ky forgets the guard of the request',
      'transports/ky-call.ts',
      'this.#request.guard ?? this.#options.guard',
      'this.#options.guard',
    ],
    [
      'ky forgets its own guard',
      'transports/ky-call.ts',
      'this.#request.guard ?? this.#options.guard',
      'this.#request.guard',
    ],
    [
      'ky prefers its own guard',
      'transports/ky-call.ts',
      'this.#request.guard ?? this.#options.guard',
      'this.#options.guard ?? this.#request.guard',
    ],
    [
      'ky judges the addresses only',
      'transports/ky-call.ts',
      'targetOf(this.#request.url, this.#guard)',
      'targetOf(this.#request.url)',
    ],
    ['ky judges the text only', 'transports/ky-call.ts', 'guard: this.#guard', 'guard: undefined'],
    ['answers are not judged', 'transports/sender.ts', '!passes(exchange, addresses)', 'false'],
    [
      'answers are judged once for all guards',
      'transports/sender.ts',
      'admitted.get(addresses) === guard',
      'admitted.has(addresses)',
    ],
    ['answers that failed are let pass', 'transports/sender.ts', '    return passed\n', '    return true\n'],
    [
      'the name is dialled, not the address',
      'transports/connector.ts',
      'hostname: address,',
      'hostname: target.hostname,',
    ],
    [
      'a kept connection is for any address',
      'transports/connections.ts',
      'addresses.some(({ address }) => address === connection.address)',
      'addresses.length > 0',
    ],
    [
      'the environment names the proxy',
      'transports/connection-options.ts',
      'options.proxy === undefined ? null : proxyOf(options.proxy)',
      'proxyOf(options.proxy ?? process.env.http_proxy ?? "http://127.0.0.1:1")',
    ],
    [
      'fetch is not preceded by a judgement',
      'transports/fetch-sender.ts',
      'await judge(request, controller.signal)',
      '',
    ],
    ['fetch follows redirects', 'transports/fetch-sender.ts', "redirect: 'manual'", "redirect: 'follow'"],
    [
      'a transport of the host gets every URL',
      'guard/guarded-transport.ts',
      '!guard.judgeUrl(request.url).allowed',
      'false',
    ],
    [
      'a transport of the host gets no guard',
      'guard/guarded-transport.ts',
      'request.guard === guard ? request : { ...request, guard }',
      'request',
    ],
    [
      'a request may bring a guard of its own choice',
      'guard/guarded-transport.ts',
      'request.guard === guard ? request : { ...request, guard }',
      '{ guard, ...request }',
    ],
  ] as const
).map(([name, file, line, weakened]) => ({ name, file: `src/${file}`, line, weakened }))

const ENTRY = [
  "export { undiciTransport } from './src/transports/undici.ts'",
  "export { kyTransport } from './src/transports/ky.ts'",
  "export { guardedTransport } from './src/guard/guarded-transport.ts'",
].join('\n')

/** The wiring with this one line weakened; the whole one without a mutant. */
async function wiringOf(mutant?: Mutant): Promise<Wiring> {
  const folder = await temporaryFolder('mutant')
  onTestFinished(folder.remove)
  const outfile = `${folder.path}/wiring.mjs`
  let changed = 0
  await build({
    stdin: { contents: ENTRY, resolveDir: root, loader: 'ts' },
    ...{ outfile, absWorkingDir: root, bundle: true, format: 'esm', platform: 'node', target: 'node20' },
    logLevel: 'error',
    plugins: [
      {
        name: 'mutant',
        setup({ onLoad, onResolve }) {
          // Packages are loaded once for all mutants, from where they are.
          onResolve({ filter: /^[a-z@]/ }, ({ path }) =>
            isBuiltin(path) ? undefined : { path: import.meta.resolve(path), external: true },
          )
          onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
            const source = await readFile(path, 'utf8')
            if (mutant === undefined || !path.endsWith(mutant.file)) return { contents: source, loader: 'ts' }
            changed = source.split(mutant.line).length - 1
            return { contents: source.replace(mutant.line, mutant.weakened), loader: 'ts' }
          })
        },
      },
    ],
  })
  if (mutant !== undefined) expect(changed, 'places where the line stands').toBe(1)
  return (await import(/* @vite-ignore */ pathToFileURL(outfile).href)) as Wiring
}

describe('the wiring of the guard', { timeout: 60_000 }, () => {
  it('passes when it is whole', async () => {
    expect(await failures(await wiringOf())).toEqual([])
  })

  it.each(mutants)('is caught when $name', async (mutant) => {
    expect(await failures(await wiringOf(mutant), true)).not.toEqual([])
  })
})
