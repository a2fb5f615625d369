/** Requests through a forward proxy that the operator has set. */
import { connect, createServer, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { addressGuard } from '../../src/guard.ts'
import { createWebhooks } from '../../src/index.ts'
import { kyTransport } from '../../src/transports/ky.ts'
import { undiciTransport } from '../../src/transports/undici.ts'
import { type EvilOptions, evilReceiver, tlsFixture } from '../support/evil-receiver.ts'
import { quietLogger } from '../support/setup.ts'

/** A proxy that leads every tunnel to this port, or answers with this status line. */
async function forwardProxy(port: number, refusal?: string) {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    sockets.add(client.on('error', () => {}))
    let head = ''
    client.on('data', function read(chunk) {
      head += chunk.toString('latin1')
      if (!head.includes('\r\n\r\n')) return
      client.off('data', read)
      asked.push(head)
      if (refusal !== undefined) return void client.end(`${refusal}\r\n\r\n`)
      const receiver = connect(port, '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n')
        client.pipe(receiver).pipe(client)
      })
      sockets.add(receiver.on('error', () => {}))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { asked, url: `http://acme:pa%3Ass@127.0.0.1:${(server.address() as { port: number }).port}` }
}

async function setup(options: EvilOptions = {}, refusal?: string) {
  const evil = await evilReceiver(options)
  onTestFinished(() => evil.close())
  return { evil, ...(await forwardProxy(evil.port, refusal)) }
}

const request = {
  headers: {},
  body: Buffer.from('{}'),
  deadlineMs: 5_000,
  guard: addressGuard({ allowHttp: true }),
}

test.each([
  ['undici', undiciTransport],
  ['ky', kyTransport],
])('%s asks the proxy for a tunnel to the name, and keeps it', async (_name, create) => {
  const { evil, asked, url } = await setup()
  const transport = create({ proxy: url })
  onTestFinished(() => transport.close())
  const target = { ...request, url: 'http://hooks.example.com/ok' }
  expect(await transport.send(target)).toMatchObject({ excerpt: 'fine' })
  expect(await transport.send(target)).toMatchObject({ excerpt: 'fine' })
  expect(asked).toHaveLength(1)
  expect(asked[0]).toContain('CONNECT hooks.example.com:80 HTTP/1.1\r\nHost: hooks.example.com:80\r\n')
  expect(asked[0]).toContain(`Proxy-Authorization: Basic ${Buffer.from('acme:pa:ss').toString('base64')}\r\n`)
  expect(evil.requests.at(-1)?.headers.some(([name]) => /proxy/i.test(name))).toBe(false)
})

test('TLS runs from here to the receiver, whose certificate is checked against the name', async () => {
  const { url } = await setup({ tls: 'other-host' })
  const transport = undiciTransport({ proxy: url, tls: { ca: tlsFixture('ca') } })
  onTestFinished(() => transport.close())
  const send = (host: string) => transport.send({ ...request, url: `https://${host}/ok` })
  expect(await send('other.example')).toMatchObject({ excerpt: 'fine' })
  expect(await send('receiver.example.com')).toMatchObject({ code: 'tls', mayHaveBeenReceived: false })
})

test('the guard judges what is sent through a proxy too', async () => {
  const { asked, url } = await setup()
  const transport = undiciTransport({ proxy: url })
  onTestFinished(() => transport.close())
  for (const target of ['http://10.0.0.1/', 'http://localhost/', 'http://[::1]/', 'http://db.internal/'])
    expect(await transport.send({ ...request, url: target })).toMatchObject({ code: 'blocked' })
  expect(asked).toEqual([])
})

test.each([
  ['refuses', 'HTTP/1.1 403 Forbidden'],
  ['wants another password', 'HTTP/1.1 407 Proxy Authentication Required'],
  ['speaks no HTTP', 'SSH-2.0-OpenSSH_9.0'],
  ['hangs up', ''],
])('a proxy that %s is a connect failure that the receiver never saw', async (_how, answer) => {
  const { evil, url } = await setup({}, answer)
  const transport = undiciTransport({ proxy: url })
  onTestFinished(() => transport.close())
  const result = await transport.send({ ...request, url: 'http://hooks.example.com/ok' })
  expect(result).toMatchObject({ code: 'connect', mayHaveBeenReceived: false })
  expect(JSON.stringify(result)).not.toMatch(/127\.0\.0\.1|pa:ss/)
  expect(evil.accepted).toBe(0)
})

test('a proxy that never answers ends with the connect timeout', async () => {
  const server = createServer(() => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const transport = undiciTransport({ proxy: `http://127.0.0.1:${port}`, connectTimeoutMs: 100 })
  onTestFinished(async () => {
    await transport.close()
    server.close()
  })
  expect(await transport.send({ ...request, url: 'http://hooks.example.com/' })).toMatchObject({
    code: 'connect',
  })
})

test('createWebhooks hands the option to its own transport', async () => {
  const { evil, url } = await setup()
  const webhooks = createWebhooks({ allowHttp: true, proxy: url, logger: quietLogger })
  onTestFinished(() => webhooks.stop())
  await webhooks.subscriptions.create({ tenantId: 'acme', url: 'http://hooks.example.com/ok' })
  await webhooks.publish('a', {}, { tenantId: 'acme' })
  await webhooks.drain()
  expect(evil.requests).toHaveLength(1)
})

test.each(['proxy.example.com:3128', 'socks5://127.0.0.1', 'http://a/b', ''])(
  'the proxy %j is refused when the sender is made',
  (proxy) => {
    expect(() => createWebhooks({ proxy, logger: quietLogger })).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', path: 'proxy' }),
    )
  },
)

test.each([
  'http://u%zz:hunter2@proxy.example.com',
  'http://user:hunter2%zz@proxy.example.com',
  'http://user:hunter2%ff@proxy.example.com',
  'http://us%3Aer:hunter2@proxy.example.com',
])('the credentials of %j are refused, and not told', (proxy) => {
  for (const make of [
    () => createWebhooks({ proxy, logger: quietLogger }),
    () => undiciTransport({ proxy }),
    () => kyTransport({ proxy }),
  ]) {
    let thrown: unknown
    try {
      make()
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ name: 'PosthornError', code: 'INVALID_OPTION', path: 'proxy' })
    expect(inspect(thrown, { depth: 9, showHidden: true }).replace(/^ +at .*$/gm, '')).not.toContain(
      'hunter2',
    )
  }
})

test.each([
  ['beyond Latin-1', 'us%C3%A9r', 'пароль%20€', 'usér:пароль €'],
  ['with an empty name', '', 'secret', ':secret'],
  ['with a literal percent sign', 'user', '100%25', 'user:100%'],
])('credentials %s are sent in UTF-8', async (_what, user, password, sent) => {
  const { asked, url } = await setup()
  const transport = undiciTransport({ proxy: url.replace('acme:pa%3Ass', `${user}:${password}`) })
  onTestFinished(() => transport.close())
  await transport.send({ ...request, url: 'http://hooks.example.com/ok' })
  expect(asked[0]).toContain(`Proxy-Authorization: Basic ${Buffer.from(sent).toString('base64')}\r\n`)
})

test('a proxy contradicts a transport of one’s own, and a fetch', () => {
  const proxy = 'http://127.0.0.1:3128'
  const contradictory = expect.objectContaining({ code: 'CONTRADICTORY_OPTIONS', path: 'proxy' })
  expect(() => createWebhooks({ proxy, transport: undiciTransport() })).toThrow(contradictory)
  expect(() => kyTransport({ proxy, fetch: globalThis.fetch })).toThrow(contradictory)
})
