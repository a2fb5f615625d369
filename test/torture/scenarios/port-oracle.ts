/** Test 63: whether a port of the host's own network is open, closed or filtered cannot be told from what the guard says, nor when. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { openStore } from '../../../src/cli/open-store.ts'
import { createWebhooks, PosthornError } from '../../../src/index.ts'
import { quietLogger } from '../../support/setup.ts'
import type { Bench, Scenario } from '../scenario.ts'
import { noServer } from './under-harm.ts'

const MAX_DIFFERENCE_MS = 20

/** A server that counts who knocks, and a port on which nobody listens any more. */
async function ports(bench: Bench) {
  const [open, closed] = [createServer(), createServer()]
  let knocks = 0
  open.on('connection', (socket) => {
    knocks += 1
    socket.destroy()
  })
  const portOf = async (server: Server) => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const numbers = { open: await portOf(open), closed: await portOf(closed) }
  closed.close()
  bench.after(() => open.close())
  return { ...numbers, knocks: () => knocks }
}

const median = (values: readonly number[]) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0

export const portOracle: Scenario = {
  number: 63,
  name: 'no oracle of ports',
  kinds: ['sqlite'],
  longMinutes: 1,
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const opened = await openStore(place)
    bench.after(() => opened.close())
    const webhooks = createWebhooks({ store: opened.store, allowHttp: true, logger: quietLogger })
    await webhooks.migrate()
    const { open, closed, knocks } = await ports(bench)
    // An address that is set aside for documentation: what is sent there is dropped.
    const urls = { open: `127.0.0.1:${open}`, closed: `127.0.0.1:${closed}`, filtered: '192.0.2.1:80' }
    const took = new Map<string, number[]>()
    const said = new Set<string>()
    for (let turn = 0; turn < (bench.full ? 200 : 20); turn++) {
      for (const [name, host] of Object.entries(urls)) {
        const begun = performance.now()
        const refused = await webhooks.subscriptions
          .create({ tenantId: 'acme', url: `http://${host}/` })
          .then(
            () => null,
            (error: unknown) => error,
          )
        took.set(name, [...(took.get(name) ?? []), performance.now() - begun])
        const words =
          refused instanceof PosthornError ? `${refused.code} ${refused.message}` : String(refused)
        said.add(words.replaceAll(host, '').replaceAll(host.split(':')[0] ?? '', ''))
      }
    }
    const medians = Object.fromEntries([...took].map(([name, times]) => [`${name} ms`, median(times)]))
    const apart = Math.max(...Object.values(medians)) - Math.min(...Object.values(medians))
    return {
      problems: [
        ...([...said].every((words) =>
          words.startsWith('INVALID_URL url leads to an address that is not public'),
        )
          ? []
          : [`something else was refused: ${[...said].join(' | ')}`]),
        ...(said.size === 1 ? [] : [`it says ${said.size} things: ${[...said].join(' | ')}`]),
        ...(knocks() === 0 ? [] : [`${knocks()} connections were made`]),
        ...(apart < MAX_DIFFERENCE_MS ? [] : [`medians lie ${apart.toFixed(1)} ms apart`]),
      ],
      figures: Object.fromEntries(Object.entries(medians).map(([name, ms]) => [name, Number(ms.toFixed(2))])),
    }
  },
}
