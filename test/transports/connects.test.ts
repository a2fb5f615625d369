/**
 * Test 32: receivers that cannot be reached at all, or not at their first address. A SYN that is dropped is a full accept queue here,
 * which Linux treats so.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Lookup } from '../../src/dns/bounded-calls.ts'
import type { ConnectionOptions } from '../../src/transports/connection-options.ts'
import { kyTransport } from '../../src/transports/ky.ts'
import { undiciTransport } from '../../src/transports/undici.ts'
import { deafReceiver } from '../support/deaf-receiver.ts'
import { evilReceiver } from '../support/evil-receiver.ts'

const DEAF = '127.0.0.9'
const REFUSING = '127.0.0.8'
const GOOD = '127.0.0.1'

const transports = [
  ['undici', (options: ConnectionOptions) => undiciTransport(options)],
  ['ky', (options: ConnectionOptions) => kyTransport(options)],
] as const

/** Resolves once this process has begun to connect a socket, and its SYN is out. */
function nextDial(): Promise<void> {
  return new Promise((resolve) => {
    const heard = () => {
      unsubscribe('net.client.socket', heard)
      setImmediate(resolve)
    }
    subscribe('net.client.socket', heard)
  })
}

describe.skipIf(process.platform !== 'linux').each(transports)('%s', (_name, create) => {
  async function setup(addresses: readonly string[], options: ConnectionOptions = {}) {
    const lookup: Lookup = (_hostname, _options, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: 4 })),
      )
    const transport = create({ ...options, lookup })
    const evil = await evilReceiver()
    const deaf = await deafReceiver(DEAF, evil.port)
    onTestFinished(async () => {
      await transport.close()
      await deaf.close()
      await evil.close()
    })
    const url = `http://receiver.example:${evil.port}/ok`
    const send = (deadlineMs = 15_000) =>
      transport.send({ url, headers: {}, body: Buffer.from('{}'), deadlineMs })
    return { evil, deaf, send }
  }

  test('a receiver that drops every SYN ends with the connect timeout and got nothing', async () => {
    const { send } = await setup([DEAF], { connectTimeoutMs: 100 })
    expect(await send()).toMatchObject({
      ...{ kind: 'failure', code: 'connect', mayHaveBeenReceived: false },
      message: 'The receiver did not accept the connection in time.',
    })
  })

  test('a receiver that drops every SYN ends with the deadline where that comes first', async () => {
    const { send } = await setup([DEAF])
    expect(await send(100)).toMatchObject({ kind: 'failure', code: 'timeout', mayHaveBeenReceived: false })
  })

  test('of three addresses the first drops, the second refuses, the third is delivered to', async () => {
    const { evil, send } = await setup([DEAF, REFUSING, GOOD])
    const results = await Promise.all(Array.from({ length: 20 }, () => send()))
    expect(results.filter((result) => result.kind === 'failure')).toEqual([])
    expect(evil.requests).toHaveLength(20)
  })

  test('a first address that is slow to answer is waited for: no second one is dialled in between', async () => {
    const { evil, deaf, send } = await setup([DEAF, GOOD])
    const dialled = nextDial()
    const pending = send()
    await dialled
    // The dropped SYN is sent again after a second, and answered now: later than the 250 ms that Node itself would give it.
    deaf.wake()
    expect(await pending).toMatchObject({ kind: 'response', excerpt: 'late' })
    expect(evil.accepted).toBe(0)
  })
})
