/** A process that stood still: what it hears first when it wakes may be a socket, not the timer that has run out. */
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { kyTransport } from '../../src/transports/ky.ts'
import { undiciTransport } from '../../src/transports/undici.ts'
import { evilReceiver } from '../support/evil-receiver.ts'

const transports = { undiciTransport, kyTransport }

test.each(Object.entries(transports))('%s writes no request after its deadline', async (_name, create) => {
  let sleptMs = 0
  const clock = {
    ...systemClock,
    monotonic: () => systemClock.monotonic() + sleptMs,
    setTimer: () => ({ cancel() {} }),
  }
  const transport = create({ clock })
  const evil = await evilReceiver()
  onTestFinished(async () => {
    await transport.close()
    await evil.close()
  })
  const send = () =>
    transport.send({ url: evil.url('ok'), headers: {}, body: Buffer.from('{}'), deadlineMs: 1_000 })
  const late = { kind: 'failure', code: 'timeout', mayHaveBeenReceived: false }

  const connecting = send()
  sleptMs += 5_000
  expect(await connecting).toMatchObject(late)
  expect(evil.requests).toHaveLength(0)

  expect(await send()).toMatchObject({ kind: 'response', status: 200 })
  expect(evil.requests).toHaveLength(1)
})
