/** A worker whose process dies of one event, while it shapes it for a subscription. */
import { openStore } from '../../../src/cli/open-store.ts'
import { createWebhooks } from '../../../src/index.ts'

export async function runPoisoned(): Promise<void> {
  const { place, timeoutMs } = JSON.parse(process.env.POISON ?? '{}')
  const opened = await openStore(place)
  const webhooks = createWebhooks({
    store: opened.store,
    allowHttp: true,
    allowCidrs: ['127.0.0.0/8'],
    timeoutMs,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    transform(event) {
      if (event.type === 'poison') process.kill(process.pid, 'SIGKILL')
      return {}
    },
  })
  process.on('disconnect', () => process.exit(0))
  await webhooks.start()
}
