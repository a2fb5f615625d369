/**
 * The sender process: what an application does with Posthorn. It subscribes, publishes every payload for every
 * tenant, and at the end reports what the library's own history says.
 */
import { anyTenant, createWebhooks, schedule } from '../../src/index.ts'
import type { FromSender, SentReport, ToSender } from './messages.ts'
import { type Payload, readPayloads } from './payloads.ts'
import { eventId, plan, REPUBLISHED, tenants } from './plan.ts'
import { openStore, type StoreName } from './stores.ts'

const AT_A_TIME = 32

let published = 0
let repeats = 0
let attempts = 0
let answered = 0
let retries = 0
let succeeded = 0
const keys = new Map<string, string>()

const [storeName, address = ''] = process.argv.slice(2)
const { store, close } = await openStore(storeName as StoreName, address)
const webhooks = createWebhooks({
  store,
  allowHttp: true,
  allowCidrs: ['127.0.0.0/8'], // the receivers are on loopback, which is refused by default
  breaker: { spanMs: 60_000 }, // the schedule below is seconds long, and so are the outages
  retry: schedule(['200ms', '400ms', '800ms', '1600ms', '3200ms'], { jitter: 0 }),
  hooks: {
    attempted({ attempt }) {
      attempts += 1
      if (attempt.status !== null) answered += 1
      if (attempt.trigger === 'retry') retries += 1
    },
    ended({ state }) {
      if (state === 'succeeded') succeeded += 1
    },
  },
})

/** The callback takes the error of a send that meets the end of the demo. */
const say = (message: FromSender): void => void process.send?.(message, undefined, undefined, () => {})

async function subscribe(urls: Readonly<Record<string, string>>): Promise<Record<string, string>> {
  const secrets: Record<string, string> = {}
  for (const { key, tenantId, pattern } of plan) {
    const url = urls[key]
    if (url === undefined) throw new Error(`no receiver listens for ${key}`)
    const { subscription, secret } = await webhooks.subscriptions.create({ tenantId, url, events: [pattern] })
    keys.set(subscription.id, key)
    if (secret === null) throw new Error(`${key} has no secret`)
    secrets[key] = secret
  }
  return secrets
}

async function publishOne({ type, data }: Payload, tenantId: string, index: number): Promise<void> {
  const { duplicate } = await webhooks.publish(type, data, { tenantId, id: eventId(tenantId, index) })
  if (duplicate) repeats += 1
  else published += 1
}

async function publishAll(): Promise<void> {
  const payloads = readPayloads()
  const everything = payloads.flatMap((payload, index) =>
    tenants.map((tenantId) => ({ payload, tenantId, index })),
  )
  const queue = [...everything, ...everything.slice(0, REPUBLISHED)].values()
  const publishers = Array.from({ length: AT_A_TIME }, async () => {
    for (const { payload, tenantId, index } of queue) await publishOne(payload, tenantId, index)
  })
  await Promise.all(publishers)
}

async function report(): Promise<SentReport> {
  const listed = await webhooks.deliveries.list({
    tenantId: anyTenant,
    state: 'succeeded',
    limit: 1,
    total: true,
  })
  const subscriptions = await webhooks.subscriptions.list({ tenantId: anyTenant, limit: 100 })
  const disabled = subscriptions.items
    .filter((one) => one.state === 'disabled' && one.disabledReason === 'gone')
    .map((one) => keys.get(one.id) ?? one.id)
  return { published, repeats, attempts, answered, retries, succeeded: listed.total ?? 0, disabled }
}

process.on('disconnect', () => process.exit())
process.on('message', async (message: ToSender) => {
  if (message.kind === 'subscribe') say({ kind: 'subscribed', secrets: await subscribe(message.urls) })
  if (message.kind === 'publish') {
    await webhooks.start()
    await publishAll()
  }
  if (message.kind === 'report') {
    say({ kind: 'report', report: await report() })
    await webhooks.stop({ drainMs: 2_000 })
    await close()
    process.disconnect?.()
  }
})
setInterval(() => say({ kind: 'progress', published, attempts, succeeded }), 50)
