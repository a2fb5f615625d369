/** The source itself: nothing but the transports opens a connection, looks a name up, or loads what could. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { waysOut } from './ways-out.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Who may what, and nobody else anything. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  'src/transports/connection.ts': ['undici'],
  'src/transports/connector.ts': ['undici'],
  'src/transports/proxy-connector.ts': ['undici'],
  'src/transports/proxy-tunnel.ts': ['node:net', 'node:tls'],
  'src/dns/resolve.ts': ['node:dns'],
  // The one place that takes the global `fetch`, and hands it to `fetch-sender.ts`.
  'src/transports/ky.ts': ['fetch', 'ky'],
  'src/signing/node-crypto.ts': ['getBuiltinModule node:crypto'],
  // The commands load the driver of the host's own project, and start workers of their own.
  'src/cli/drivers.ts': ['createRequire', 'import(…)', 'node:module'],
  'src/cli/torture/fleet.ts': ['node:child_process'],
}

const ways: readonly (readonly [code: string, ways: readonly string[]])[] = [
  [`import http from 'node:http'`, ['node:http']],
  [`import 'undici'`, ['undici']],
  [`import { request } from "http"`, ['http']],
  [`import { type Agent, request } from 'node:https'`, ['node:https']],
  [`import net, { type Socket } from 'node:net'`, ['node:net']],
  [`import * as dns from 'node:dns'`, ['node:dns']],
  [`import got from 'got'`, ['got']],
  [`import net = require('node:net')`, ['node:net']],
  [`export * from 'node:tls'`, ['node:tls']],
  [`await import('undici')`, ['undici']],
  ['await import(`undici`)', ['import(…)']],
  [`await import('und' + 'ici')`, ['import(…)']],
  ['const name = "x"; await import(name)', ['import(…)']],
  [`require('node:net')`, ['node:net', 'require']],
  [`module.require('node:net')`, ['node:net', 'require']],
  [
    `import { createRequire as make } from 'node:module'; const load = make(import.meta.url)`,
    ['createRequire', 'node:module'],
  ],
  [`process.getBuiltinModule('node:net')`, ['getBuiltinModule node:net']],
  [`process['getBuiltinModule']('node:net')`, ['getBuiltinModule']],
  [`const { getBuiltinModule } = process`, ['getBuiltinModule']],
  [`process.binding('tcp_wrap')`, ['binding']],
  [`eval('1')`, ['eval']],
  [`new Function('1')`, ['Function']],
  [`fetch('x')`, ['fetch']],
  [`globalThis.fetch('x')`, ['fetch']],
  [`self.fetch('x')`, ['fetch']],
  [`(0, fetch)('x')`, ['fetch']],
  ['fetch.call(null, "x")', ['fetch']],
  ['const send = fetch', ['fetch']],
  ['const send = globalThis.fetch.bind(globalThis)', ['fetch']],
  ['send({ fetch })', ['fetch']],
  ['export { fetch }', ['fetch']],
  ['function f(send = fetch) {}', ['fetch']],
  ['const { fetch } = globalThis; fetch("x")', ['fetch']],
  ['const { fetch: send } = globalThis', ['fetch']],
  ['let send; ({ fetch: send } = globalThis)', ['fetch']],
  ['const g = globalThis; g.fetch("x")', ['fetch']],
  [`globalThis['fetch']('x')`, ['fetch']],
  [`Reflect.get(globalThis, 'fetch')`, ['fetch']],
  ['const name = "f" + "etch"; globalThis[name]("x")', ['globalThis[…]']],
  ['function f(fetch) { fetch("x") } fetch("y")', ['fetch']],
  [`new WebSocket('x')`, ['WebSocket']],
  [`new globalThis.EventSource('x')`, ['EventSource']],
  [`navigator.sendBeacon('x')`, ['sendBeacon']],
]

const none: readonly string[] = [
  `import type http from 'node:http'; import { type Socket } from 'node:net'`,
  `import { createServer, type Server } from 'node:http'`,
  `import { readFile } from 'node:fs/promises'; import { z } from 'zod'; import { x } from './http.ts'`,
  `let net: typeof import('node:net'); type F = typeof globalThis.fetch; interface G { fetch(): void }`,
  `// fetch('x')\n/** fetch */ const text = 'what fetch does'`,
  'function f(fetch: F) { return () => fetch("x") }',
  'const f = ({ send }: O, [fetch]: F[]) => fetch("x")',
  'const ours = { fetch: 1, sendBeacon() {} }; class C { fetch() {} }',
  'import { fetch } from "./ours.ts"; fetch("x")',
  '{ const require = make(); require.resolve("x") }',
  'const bindings = new Map(); bindings.binding = 1',
]

describe('the source', () => {
  it('reaches out in these files alone, and in these ways', () => {
    const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `src/${file.replaceAll('\\', '/')}`)
    const found = files.map((file) => [file, waysOut(file, readFileSync(join(root, file), 'utf8'))] as const)
    expect(Object.fromEntries(found.filter(([, ways]) => ways.length > 0))).toEqual(ALLOWED)
  })

  it.each(ways)('is searched for every way out: %s', (code, found) => {
    expect(waysOut('src/x.ts', code)).toEqual(found)
  })

  it.each(none)('is not blamed for what is none: %s', (code) => {
    expect(waysOut('src/x.ts', code)).toEqual([])
  })
})
