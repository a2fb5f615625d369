/** A host with the management API on a `node:http` server, in a process of its own: what callers cost it is to be seen. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { openStore } from '../../../src/cli/open-store.ts'
import { createHandler } from '../../../src/http/index.ts'
import { toNode } from '../../../src/http/mounts/node.ts'
import { createWebhooks } from '../../../src/index.ts'
import { quietLogger } from '../../support/setup.ts'

/** What it has used since it was asked last, in MB. */
export interface ApiCosts {
  readonly peakRssMb: number
  /** After a collection of garbage. */
  readonly heapMb: number
}

const MB = 1_048_576

export async function runApi(): Promise<void> {
  const opened = await openStore(JSON.parse(process.env.API ?? '{}'))
  const webhooks = createWebhooks({ store: opened.store, logger: quietLogger })
  await webhooks.migrate()
  const handler = createHandler(webhooks, {
    authorize: (request) => ({ role: 'tenant', tenantId: request.headers.get('x-tenant') ?? 'acme' }),
  })
  const server = createServer(toNode(handler))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  let peak = 0
  setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss())
  }, 20)
  process.on('message', () => {
    collect()
    const heapMb = Math.round((10 * process.memoryUsage().heapUsed) / MB) / 10
    process.send?.({ peakRssMb: Math.round(peak / MB), heapMb } satisfies ApiCosts)
    peak = 0
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.({ port: (server.address() as AddressInfo).port })
}
