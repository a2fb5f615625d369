/**
 * A name server of a test's own, on a free port of the loopback: it says what the test wants, with a time to live of 0. What does not
 * fit into a packet is said over TCP.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** IPv4 addresses, the number of an error, a chain of aliases without an address, or nothing at all. */
export type Said =
  | readonly string[]
  | number
  | { readonly aliases: readonly (readonly [string, string])[] }
  | null

/** What is said to a question; `type` is 1 for IPv4, 28 for IPv6. Addresses are for the first alone. */
export type Zone = (name: string, type: number) => Said | Promise<Said>

const TYPE_A = 1
const TYPE_CNAME = 5
const TRUNCATED = 0x0200
const MAX_PACKET = 512

/** Starts it. `asked` has the names of all questions for IPv4 addresses, in their order. */
export async function nameServer(zone: Zone) {
  const asked: string[] = []
  let closed = false

  async function answer(query: Buffer, overTcp: boolean): Promise<Buffer | null> {
    const { name, type, end } = question(query)
    if (type === TYPE_A && !overTcp) asked.push(name)
    const said = await zone(name, type)
    if (said === null || closed) return null
    const records = recordsOf(name, said, type)
    const body = Buffer.concat([query.subarray(12, end), ...records])
    const fits = overTcp || body.length + 12 <= MAX_PACKET
    const header = Buffer.alloc(12)
    query.copy(header, 0, 0, 2)
    header.writeUInt16BE(0x8180 | (typeof said === 'number' ? said : 0) | (fits ? 0 : TRUNCATED), 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(fits ? records.length : 0, 6)
    return Buffer.concat([header, fits ? body : query.subarray(12, end)])
  }

  const tcp = createServer((connection) => {
    let received: Buffer = Buffer.alloc(0)
    connection.on('error', () => {})
    connection.on('data', async (data) => {
      received = Buffer.concat([received, data])
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const length = 2 + received.readUInt16BE(0)
        const query = received.subarray(2, length)
        received = received.subarray(length)
        const message = await answer(query, true)
        if (message === null) continue
        const prefix = Buffer.alloc(2)
        prefix.writeUInt16BE(message.length)
        connection.write(Buffer.concat([prefix, message]))
      }
    })
  })
  tcp.listen(0, '127.0.0.1')
  await once(tcp, 'listening')
  const { port } = tcp.address() as AddressInfo
  const udp = createSocket('udp4')
  udp.on('message', async (query, from) => {
    const message = await answer(query, false)
    if (message !== null) udp.send(message, from.port, from.address)
  })
  udp.bind(port, '127.0.0.1')
  await once(udp, 'listening')
  return {
    asked,
    address: `127.0.0.1:${port}`,
    close() {
      if (!closed) {
        udp.close()
        tcp.close()
      }
      closed = true
    },
  }
}

function recordsOf(name: string, said: Exclude<Said, null>, type: number): Buffer[] {
  if (typeof said === 'number') return []
  if ('aliases' in said) return said.aliases.map(([from, to]) => record(from, TYPE_CNAME, encoded(to)))
  if (type !== TYPE_A) return []
  return said.map((address) => record(name, TYPE_A, Buffer.from(address.split('.').map(Number))))
}

/** With a time to live of 0. */
function record(name: string, type: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10)
  fixed.writeUInt16BE(type, 0)
  fixed.writeUInt16BE(1, 2)
  fixed.writeUInt16BE(data.length, 8)
  return Buffer.concat([encoded(name), fixed, data])
}

function encoded(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label, 'latin1')]))
  return Buffer.concat([...labels, Buffer.from([0])])
}

function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += length + 1
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}
