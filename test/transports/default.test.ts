import { spawnSync } from 'node:child_process'
import { expect, onTestFinished, test } from 'vitest'
import { hasNodeSockets } from '../../src/runtime.ts'
import { defaultTransport } from '../../src/transports/default.ts'
import { evilReceiver } from '../support/evil-receiver.ts'

const scope = (properties: object) => properties as typeof globalThis

test('on Node the default is undici, and it delivers', async () => {
  const transport = defaultTransport()
  const evil = await evilReceiver()
  onTestFinished(async () => {
    await transport.close()
    await evil.close()
  })
  expect(transport.name).toBe('undici')
  const request = { url: evil.url('ok'), headers: {}, body: Buffer.from('{}'), deadlineMs: 5_000 }
  expect(await transport.send(request)).toMatchObject({ kind: 'response', excerpt: 'fine' })
})

test('a default that is closed before its first request sends nothing', async () => {
  const transport = defaultTransport()
  await transport.close()
  const request = { url: 'http://127.0.0.1:1/', headers: {}, body: Buffer.from('{}'), deadlineMs: 5_000 }
  expect(await transport.send(request)).toMatchObject({ code: 'aborted', mayHaveBeenReceived: false })
})

test.each([
  ['Node', { process: { versions: { node: '20.19.0' } } }, true],
  [
    'Node with a navigator',
    { process: { versions: { node: '22.0.0' } }, navigator: { userAgent: 'Node.js/22' } },
    true,
  ],
  ['Bun', { process: { versions: { node: '24.0.0', bun: '1.2.0' } } }, false],
  ['Deno', { process: { versions: { node: '24.0.0' } }, Deno: {} }, false],
  [
    'Workers',
    { process: { versions: { node: '22.0.0' } }, navigator: { userAgent: 'Cloudflare-Workers' } },
    false,
  ],
  ['an edge runtime', { EdgeRuntime: 'vercel' }, false],
  ['a browser', { navigator: { userAgent: 'Mozilla/5.0' } }, false],
])('%s: Node sockets %s', (_runtime, properties, expected) => {
  expect(hasNodeSockets(scope(properties))).toBe(expected)
})

test('neither a pending connect nor an idle connection keeps the process alive', () => {
  const source = `
    import { createServer } from 'node:http'
    import { undiciTransport } from './src/transports/undici.ts'
    const server = createServer((request, response) => response.end('ok')).listen(0, '127.0.0.1', async () => {
      const transport = undiciTransport({ idleMs: 600_000 })
      const url = 'http://127.0.0.1:' + server.address().port
      const result = await transport.send({ url, headers: {}, body: Buffer.from('{}'), deadlineMs: 600_000 })
      process.stdout.write(result.kind + JSON.stringify(transport.stats()))
      server.unref()
      server.on('connection', () => {})
      process.on('exit', () => process.stdout.write(' bye'))
      setImmediate(() => server.closeIdleConnections())
    })`
  const args = ['--import', 'tsx', '--input-type=module', '--eval', source]
  const { stdout, signal } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 })
  expect(stdout).toBe('response{"origins":1,"open":1,"idle":1} bye')
  expect(signal).toBeNull()
})
