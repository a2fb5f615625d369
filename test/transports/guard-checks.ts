/** What the wiring of the guard must do in every transport, on real sockets; each check says what went wrong, or null. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Lookup } from '../../src/dns/bounded-calls.ts'
import type { guardedTransport } from '../../src/guard/guarded-transport.ts'
import { type AddressGuard, addressGuard } from '../../src/guard.ts'
import type { Transport, TransportResult } from '../../src/transport.ts'
import type { kyTransport } from '../../src/transports/ky.ts'
import type { undiciTransport } from '../../src/transports/undici.ts'

/** The code under test; a mutant has the same exports. */
export interface Wiring {
  readonly undiciTransport: typeof undiciTransport
  readonly kyTransport: typeof kyTransport
  readonly guardedTransport: typeof guardedTransport
}

/** Which transport a check runs on. */
export type Kind = 'undici' | 'ky' | 'ky over fetch'

interface Lab {
  readonly port: number
  /** The addresses on which requests came in, in their order. */
  readonly seen: string[]
  /** Requests to a second server, which nobody may reach. */
  readonly strays: string[]
  readonly strayPort: number
  close(): Promise<void>
}

const strict = addressGuard({ allowHttp: true })
const lenient = addressGuard({ allowHttp: true, allowCidrs: ['127.0.0.0/8'], allowHosts: ['localhost'] })
const to =
  (...addresses: string[]): Lookup =>
  (_hostname, _options, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    )

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  return (server.address() as AddressInfo).port
}

async function open(): Promise<Lab> {
  const seen: string[] = []
  const strays: string[] = []
  const stray = createServer((request, response) => {
    strays.push(request.url ?? '')
    response.end()
  })
  const strayPort = await listening(stray)
  const main = createServer((request, response) => {
    seen.push(request.socket.localAddress ?? '')
    if (request.url === '/moved')
      response.writeHead(302, { location: `http://127.0.0.1:${strayPort}/inside` })
    response.end('fine')
  })
  const port = await listening(main)
  const close = async () => {
    for (const server of [main, stray]) {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
  return { port, seen, strays, strayPort, close }
}

function make(wiring: Wiring, kind: Kind, options: { guard?: AddressGuard; lookup?: Lookup }): Transport {
  if (kind === 'undici') return wiring.undiciTransport(options)
  return wiring.kyTransport(kind === 'ky' ? options : { ...options, fetch: globalThis.fetch })
}

const send = (transport: Transport, url: string, guard?: AddressGuard): Promise<TransportResult> =>
  transport.send({
    ...{ url, headers: {}, body: Buffer.from('{}'), deadlineMs: 5_000 },
    ...(guard === undefined ? {} : { guard }),
  })

const blocked = (result: TransportResult) => result.kind === 'failure' && result.code === 'blocked'
const came = (result: TransportResult) => result.kind === 'response' && result.status === 200

type Check = (wiring: Wiring, kind: Kind, lab: Lab) => Promise<boolean>

/** Each is true when all is well. fetch looks names up by itself, so what needs a `lookup` is not asked of it. */
const checks: Readonly<Record<string, { readonly run: Check; readonly overFetch?: false }>> = {
  'a literal address is judged': {
    async run(wiring, kind, { port, seen }) {
      const transport = make(wiring, kind, { guard: strict })
      const result = await send(transport, `http://127.0.0.1:${port}/`)
      await transport.close()
      return blocked(result) && seen.length === 0
    },
  },
  'the answers of a look-up are judged': {
    overFetch: false,
    async run(wiring, kind, { port, seen }) {
      const transport = make(wiring, kind, { guard: strict, lookup: to('127.0.0.1') })
      const result = await send(transport, `http://receiver.example:${port}/`)
      await transport.close()
      return blocked(result) && seen.length === 0
    },
  },
  'a name that leads inside is judged': {
    async run(wiring, kind, { port, seen }) {
      const guard = { ...strict, judgeUrl: lenient.judgeUrl }
      const transport = make(wiring, kind, { guard })
      const result = await send(transport, `http://localhost:${port}/`)
      await transport.close()
      return blocked(result) && seen.length === 0
    },
  },
  'the judged address is the one dialled': {
    overFetch: false,
    async run(wiring, kind, { port, seen }) {
      const transport = make(wiring, kind, { guard: lenient, lookup: to('127.0.0.7') })
      const result = await send(transport, `http://localhost:${port}/`)
      await transport.close()
      return came(result) && seen.join() === '127.0.0.7'
    },
  },
  'a kept connection is for its own address only': {
    overFetch: false,
    async run(wiring, kind, { port, seen }) {
      let address = '127.0.0.1'
      const lookup: Lookup = (...given) => to(address)(...given)
      const transport = make(wiring, kind, { guard: lenient, lookup })
      const url = `http://receiver.example:${port}/`
      for (address of ['127.0.0.1', '127.0.0.2', '127.0.0.1']) await send(transport, url)
      address = '10.0.0.1'
      const result = await send(transport, url)
      await transport.close()
      return blocked(result) && seen.join() === '127.0.0.1,127.0.0.2,127.0.0.1'
    },
  },
  'the guard of the request wins over that of the transport, whatever was let pass before': {
    async run(wiring, kind, { port, seen }) {
      const transport = make(wiring, kind, { guard: lenient })
      const url = `http://127.0.0.1:${port}/`
      const results = [
        await send(transport, url),
        await send(transport, url, strict),
        await send(transport, url),
      ]
      await transport.close()
      const other = make(wiring, kind, { guard: strict })
      results.push(await send(other, url, lenient))
      await other.close()
      const [first, second, third, fourth] = results.map((one) => (blocked(one) ? 'blocked' : came(one)))
      return first === true && second === 'blocked' && third === true && fourth === true && seen.length === 3
    },
  },
  'answers that one guard has let pass are judged again by another': {
    overFetch: false,
    async run(wiring, kind, { port, seen }) {
      const answers = [{ address: '127.0.0.1', family: 4 }]
      const lookup: Lookup = (_hostname, _options, callback) => callback(null, answers)
      const transport = make(wiring, kind, { lookup })
      const url = `http://receiver.example:${port}/`
      const first = await send(transport, url, lenient)
      const second = await send(transport, url, strict)
      await transport.close()
      return came(first) && blocked(second) && seen.length === 1
    },
  },
  'a redirect is not followed': {
    async run(wiring, kind, { port, strays }) {
      const transport = make(wiring, kind, { guard: lenient })
      const result = await send(transport, `http://127.0.0.1:${port}/moved`)
      await transport.close()
      return result.kind === 'response' && result.status === 302 && strays.length === 0
    },
  },
  'the proxy variables of the environment do not count': {
    async run(wiring, kind, { port, strays, strayPort, seen }) {
      const names = ['http_proxy', 'HTTP_PROXY', 'ALL_PROXY', 'https_proxy']
      const before = names.map((name) => process.env[name])
      for (const name of names) process.env[name] = `http://127.0.0.1:${strayPort}`
      try {
        const transport = make(wiring, kind, { guard: lenient })
        const result = await send(transport, `http://127.0.0.1:${port}/`)
        await transport.close()
        return came(result) && strays.length === 0 && seen.length === 1
      } finally {
        names.forEach((name, index) => {
          const value = before[index]
          if (value === undefined) delete process.env[name]
          else process.env[name] = value
        })
      }
    },
  },
  'a transport of the host gets what has passed only, and the guard with it': {
    async run({ guardedTransport }) {
      const got: (object | undefined)[] = []
      const carrier: Transport = {
        name: 'own',
        async send({ guard }) {
          got.push(guard)
          return {
            kind: 'response',
            status: 200,
            headers: {},
            excerpt: '',
            truncated: false,
            timing: { firstByteMs: 0, totalMs: 0 },
          }
        },
        async close() {},
      }
      const transport = guardedTransport(() => carrier, strict)
      const refused = await send(transport, 'http://127.0.0.1/')
      await send(transport, 'http://receiver.example/')
      await send(transport, 'http://receiver.example/', lenient)
      return blocked(refused) && got.length === 2 && got.every((guard) => guard === strict)
    },
  },
}

/** The names of the checks that fail, over all transports. Stops at the first with `first`. */
export async function failures(wiring: Wiring, first = false): Promise<string[]> {
  const found: string[] = []
  for (const kind of ['undici', 'ky', 'ky over fetch'] as const) {
    for (const [name, { run, overFetch }] of Object.entries(checks)) {
      if (kind === 'ky over fetch' && overFetch === false) continue
      const lab = await open()
      const passed = await run(wiring, kind, lab).catch(() => false)
      await lab.close()
      if (!passed) found.push(`${kind}: ${name}`)
      if (!passed && first) return found
    }
  }
  return found
}
