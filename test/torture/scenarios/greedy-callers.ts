/**
 * Test 70, what it costs: a thousand callers at once who send too much, too slowly or too deep, on real sockets, among some who
 * behave. That each is refused for the right reason is shown by `test/http/limits`; here the process behind the API is measured.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { pause } from '../../../src/cli/torture/fleet.ts'
import type { ApiCosts } from '../processes/api.ts'
import type { Bench, Scenario } from '../scenario.ts'
import { startPart } from '../stage/stage.ts'
import { noServer } from './under-harm.ts'

const ROUNDS = 3
const MAX_RSS_MB = 300
/** Between the first round and the last. */
const MAX_GROWTH_MB = 10
const BIG = 10_000_000
const PIECE = Buffer.alloc(65_536, 0x20)
const DRIP_MS = 1_000
const TYPE = 'content-type: application/json\r\n'
const CHUNKED = `${TYPE}transfer-encoding: chunked\r\n`
const url = JSON.stringify({ url: 'https://receiver.example/hook' })

interface Caller {
  readonly name: string
  readonly method: 'GET' | 'POST'
  /** Lines of the head beside the first and `host`. */
  readonly headers: string
  readonly body: () => Iterable<Buffer | string>
  /** One piece a second. */
  readonly slow?: true
  readonly status: number
}

function* pieces(wrap: (piece: Buffer) => Iterable<Buffer | string>): Iterable<Buffer | string> {
  for (let sent = 0; sent < BIG; sent += PIECE.length) yield* wrap(PIECE)
}
const chunk = (piece: Buffer) => [`${piece.length.toString(16)}\r\n`, piece, '\r\n']
const whole = (body: string) => () => [body]
const ofLength = (body: string) => `${TYPE}content-length: ${Buffer.byteLength(body)}\r\n`
const deep = `{"url":${'['.repeat(10_000)}${']'.repeat(10_000)}}`
const manyHeaders = Array.from({ length: 10_000 }, (_, n) => `x-${n}: v\r\n`).join('')
const drips = () => Array.from({ length: 60 }, () => ' ')

const callers: readonly Caller[] = [
  { name: 'reads', method: 'GET', headers: '', body: () => [], status: 200 },
  { name: 'writes', method: 'POST', headers: ofLength(url), body: whole(url), status: 201 },
  {
    name: '10 MB',
    method: 'POST',
    headers: `${TYPE}content-length: ${BIG}\r\n`,
    body: () => pieces((piece) => [piece]),
    status: 413,
  },
  { name: '10 MB in chunks', method: 'POST', headers: CHUNKED, body: () => pieces(chunk), status: 413 },
  {
    name: 'a byte a second',
    method: 'POST',
    headers: `${TYPE}content-length: 60\r\n`,
    body: drips,
    slow: true,
    status: 408,
  },
  { name: '10,000 deep', method: 'POST', headers: ofLength(deep), body: whole(deep), status: 400 },
  { name: '10,000 headers', method: 'GET', headers: manyHeaders, body: () => [], status: 431 },
]

/** Its status, or why there is none. It sends until it is answered, and does not go by itself. */
async function call(
  port: number,
  { method, headers, body, slow }: Caller,
  tenant: string,
): Promise<number | string> {
  const socket = connect(port, '127.0.0.1')
  const answered = new Promise<number | string>((resolve) => {
    let heard = ''
    socket.on('data', (data) => {
      heard += data
      const status = /^HTTP\/1\.1 (\d{3})/.exec(heard)
      if (status !== null) resolve(Number(status[1]))
    })
    socket.on('error', (error) => resolve(error.message))
    socket.on('close', () => resolve('closed without an answer'))
  })
  let isOver = false
  void answered.then(() => {
    isOver = true
  })
  const drained = () => new Promise((resolve) => socket.once('drain', resolve))
  const sending = (async () => {
    socket.write(
      `${method} /subscriptions HTTP/1.1\r\nhost: api.test\r\nx-tenant: ${tenant}\r\n${headers}\r\n`,
    )
    for (const piece of body()) {
      if (isOver) return
      if (!socket.write(piece)) await Promise.race([drained(), answered])
      if (slow === true) await Promise.race([pause(DRIP_MS), answered])
    }
    if (headers === CHUNKED) socket.write('0\r\n\r\n')
  })()
  const status = await answered
  await sending
  socket.destroy()
  return status
}

async function round(port: number, count: number, turn: number): Promise<readonly string[]> {
  const wrong = new Map<string, number>()
  await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const caller = callers[n % callers.length] as Caller
      const status = await call(port, caller, `tenant-${turn}-${n}`)
      if (status === caller.status) return
      const what = `${caller.name}: ${status}, not ${caller.status}`
      wrong.set(what, (wrong.get(what) ?? 0) + 1)
    }),
  )
  return [...wrong].map(([what, times]) => `${what} (${times} times)`)
}

export const greedyCallers: Scenario = {
  number: 70,
  name: 'greedy callers of the management API',
  kinds: ['sqlite'],
  longMinutes: 1,
  async run(bench: Bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const api = startPart(bench, 'api', { API: JSON.stringify(place) })
    const [{ port }] = (await once(api, 'message')) as [{ port: number }]
    const count = bench.full ? 1_000 : 70
    const problems: string[] = []
    const costs: ApiCosts[] = []
    for (let turn = 0; turn < ROUNDS; turn++) {
      problems.push(...(await round(port, count, turn)))
      api.send('measure')
      const [cost] = (await once(api, 'message')) as [ApiCosts]
      costs.push(cost)
    }
    const peakRssMb = Math.max(...costs.map((one) => one.peakRssMb))
    const heaps = costs.map(({ heapMb }) => heapMb)
    const growth = (heaps.at(-1) ?? 0) - (heaps[0] ?? 0)
    return {
      problems: [
        ...problems,
        ...(peakRssMb > MAX_RSS_MB ? [`RSS ${peakRssMb} MB`] : []),
        ...(growth > MAX_GROWTH_MB ? [`the heap grew by ${growth} MB in ${ROUNDS - 1} rounds`] : []),
      ],
      figures: { callers: count, rounds: ROUNDS, 'RSS MB': peakRssMb, 'heap MB': heaps.join(', ') },
    }
  },
}
