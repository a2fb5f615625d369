/**
 * Test 39: a receiver that closes every connection after 1 to 5 ms of rest, just as the next request goes out on it. Nobody is shown a
 * failed attempt, and nothing is received twice.
 */
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { openStore } from '../../../src/cli/open-store.ts'
import { seeded } from '../../../src/cli/torture/random.ts'
import { createWebhooks } from '../../../src/index.ts'
import type { Transport } from '../../../src/transport.ts'
import { kyTransport } from '../../../src/transports/ky.ts'
import { undiciTransport } from '../../../src/transports/undici.ts'
import { quietLogger } from '../../support/setup.ts'
import type { RestlessFound } from '../processes/restless.ts'
import type { Bench, Findings, Kind, Scenario } from '../scenario.ts'
import { startPart } from '../stage/stage.ts'
import { nonzero } from '../stage/verdict.ts'
import { joined } from './joined.ts'

const MAX_DUPLICATED = 0.001
const WAVE = 10
const REST_MS = [1, 5] as const

const transports: Readonly<Record<string, () => Transport>> = {
  undici: () => undiciTransport(),
  ky: () => kyTransport(),
}

export const keepAliveRace: Scenario = {
  number: 39,
  name: 'keep-alive race',
  kinds: ['sqlite'],
  longMinutes: 4,
  async run(bench, kind) {
    const parts: { readonly name: string; readonly found: Findings }[] = []
    for (const [name, create] of Object.entries(transports)) {
      const found = await bench.part(name, () => race(bench, kind, create()))
      parts.push({ name, found })
    }
    return joined(parts)
  },
}

async function race(bench: Bench, kind: Kind, inner: Transport): Promise<Findings> {
  const place = await bench.place(kind)
  if (place === null) throw new Error('no database')
  const opened = await openStore(place)
  bench.after(() => opened.close())
  const random = seeded(bench.seed)
  const receiver = startPart(bench, 'restless', { RESTLESS: String(bench.seed) })
  const [{ port }] = (await once(receiver, 'message')) as [{ port: number }]
  let lostRaces = 0
  let otherFailures = 0
  const transport: Transport = {
    name: inner.name,
    close: () => inner.close(),
    async send(request) {
      const result = await inner.send(request)
      if (result.kind === 'failure') {
        if (result.onReusedConnection === true) lostRaces += 1
        else otherFailures += 1
      }
      return result
    },
  }
  let failed = 0
  let ended = 0
  const webhooks = createWebhooks({
    ...{ store: opened.store, transport, allowHttp: true, allowCidrs: ['127.0.0.0/8'], logger: quietLogger },
    hooks: {
      attempted({ attempt: { outcome } }) {
        if (outcome === 'failed') failed += 1
      },
      ended() {
        ended += 1
      },
    },
  })
  bench.after(() => webhooks.stop())
  await webhooks.migrate()
  await webhooks.subscriptions.create({ tenantId: 'acme', url: `http://127.0.0.1:${port}/` })
  await webhooks.start()
  const deliveries = bench.full ? 20_000 : 500
  for (let sent = 0; sent < deliveries; sent += WAVE) {
    const wave = Array.from({ length: WAVE }, () => ({ type: 'race.run', data: {}, tenantId: 'acme' }))
    await webhooks.publishMany(wave)
    while (ended < sent + WAVE) await pause(random.between(...REST_MS))
  }
  await webhooks.stop()
  const asked = once(receiver, 'message')
  receiver.send('count')
  const [{ messages, requests, closed }] = (await asked) as [RestlessFound]
  const duplicated = requests - messages
  return {
    problems: [
      ...nonzero({
        'failed attempts': failed,
        'failures on connections that were not used before': otherFailures,
        lost: deliveries - messages,
      }),
      ...(duplicated <= deliveries * MAX_DUPLICATED ? [] : [`duplicated ${duplicated}`]),
      ...(closed > 0 ? [] : ['no connection was closed at rest']),
      // Whether a close meets a request is chance: certain in thousands, not in hundreds.
      ...(lostRaces > 0 || !bench.full ? [] : ['no close met a request']),
    ],
    figures: { deliveries, duplicated, 'closed at rest': closed, 'lost races': lostRaces },
  }
}
