/**
 * What a delivery costs in the HTTP client: a bare `undici.request` loop against our transports, same receiver,
 * interleaved rounds in one run, so that only the ratios count.
 *
 * npx tsx bench/transports.ts [seconds per round] [rounds]
 */
import { fork } from 'node:child_process'
import { createServer } from 'node:http'
import { build } from 'esbuild'
import ky from 'ky'
import { Agent, request } from 'undici'
import type { Transport } from '../src/transport.ts'

const CONCURRENCY = 64
const body = Buffer.from(JSON.stringify({ type: 'order.paid', data: 'x'.repeat(980) }))
const headers = {
  'content-type': 'application/json',
  'webhook-id': 'evt_01j0000000000000000000000',
  'webhook-timestamp': '1760000000',
  'webhook-signature': 'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
}

function receiver(): void {
  const server = createServer((incoming, answer) => {
    incoming.resume()
    incoming.on('end', () => answer.writeHead(204).end())
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1', () => process.send?.(server.address()))
}

interface Contestant {
  readonly name: string
  readonly send: () => Promise<unknown>
  readonly close: () => Promise<unknown>
  readonly rates: number[]
  readonly cpu: number[]
}

/** As published: tsx names every closure as it is made, which costs more than what is measured here. */
async function built<Module>(file: string, folder = 'transports'): Promise<Module> {
  const outdir = new URL('../node_modules/.cache/posthorn-bench/', import.meta.url).pathname
  const entry = new URL(`../src/${folder}/${file}.ts`, import.meta.url).pathname
  const format = 'esm'
  await build({ entryPoints: [entry], bundle: true, splitting: true, packages: 'external', format, outdir })
  return import(`${outdir}${file}.js`)
}

async function contestants(url: string): Promise<Contestant[]> {
  const { undiciTransport } = await built<typeof import('../src/transports/undici.ts')>('undici')
  const { kyTransport } = await built<typeof import('../src/transports/ky.ts')>('ky')

  const { addressGuard } = await built<typeof import('../src/guard/address-guard.ts')>(
    'address-guard',
    'guard',
  )
  const guard = addressGuard({ allowHttp: true, allowCidrs: ['127.0.0.0/8'] })

  const dispatcher = new Agent({ connections: CONCURRENCY, pipelining: 1 })
  const bare: Contestant = {
    name: 'undici.request, no deadline',
    async send() {
      const answer = await request(url, { method: 'POST', headers, body, dispatcher })
      await answer.body.dump()
      if (answer.statusCode !== 204) throw new Error(`status ${answer.statusCode}`)
    },
    close: () => dispatcher.close(),
    rates: [],
    cpu: [],
  }
  const host = ky.create({ hooks: { beforeRequest: [(sent) => sent.headers.set('x-token', 'abc')] } })
  const ours = (name: string, transport: Transport): Contestant => ({
    name,
    async send() {
      const result = await transport.send({ url, headers, body, deadlineMs: 15_000 })
      if (result.kind !== 'response' || result.status !== 204) throw new Error(JSON.stringify(result))
    },
    close: () => transport.close(),
    rates: [],
    cpu: [],
  })
  return [
    bare,
    ours('undiciTransport, unguarded', undiciTransport()),
    ours('undiciTransport', undiciTransport({ guard })),
    ours('kyTransport over undici', kyTransport({ guard })),
    ours('kyTransport, host with a hook', kyTransport({ ky: host, guard })),
    ours('kyTransport over fetch', kyTransport({ fetch: globalThis.fetch, guard })),
  ]
}

async function round(contestant: Contestant, ms: number, record: boolean): Promise<void> {
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  let sent = 0
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      while (performance.now() - startedAt < ms) {
        await contestant.send()
        sent++
      }
    }),
  )
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  if (!record) return
  contestant.rates.push(sent / seconds)
  contestant.cpu.push((user + system) / sent)
}

const median = (values: number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

async function main(): Promise<void> {
  const ms = Number(process.argv[2] ?? 2) * 1000
  const rounds = Number(process.argv[3] ?? 5)
  const child = fork(new URL(import.meta.url), [], { env: { ...process.env, BENCH_RECEIVER: '1' } })
  const { port } = await new Promise<{ port: number }>((resolve) => child.once('message', resolve as never))
  const all = await contestants(`http://127.0.0.1:${port}/hook`)
  for (const contestant of all) await round(contestant, 1000, false)
  for (let i = 0; i < rounds; i++) for (const contestant of all) await round(contestant, ms, true)
  const [base] = all
  console.log(`node ${process.version}, concurrency ${CONCURRENCY}, ${rounds} x ${ms / 1000} s, medians`)
  for (const { name, rates, cpu } of all) {
    const ratio = median(rates) / median(base?.rates ?? [])
    const cost = median(cpu) / median(base?.cpu ?? [])
    console.log(
      `${name.padEnd(30)} ${median(rates).toFixed(0).padStart(7)}/s  x${ratio.toFixed(2)}   ` +
        `cpu ${median(cpu).toFixed(1).padStart(6)} us  x${cost.toFixed(2)}   best ${Math.max(...rates).toFixed(0)}/s`,
    )
  }
  await Promise.all(all.map((contestant) => contestant.close()))
  child.kill()
}

if (process.env.BENCH_RECEIVER === '1') receiver()
else await main()
