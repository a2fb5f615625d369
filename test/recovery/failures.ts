/** What tests of recovering start from: deliveries that failed. */
import { never } from '../../src/index.ts'
import { setup } from '../support/setup.ts'

/** The tenant of these tests. */
export const acme = { tenantId: 'acme' }
/** The webhook-id of a request. */
export const idOf = (request: { headers: Readonly<Record<string, string>> }) => request.headers['webhook-id']

/** Failed deliveries of the events e0, e1 … of one subscription, at which nothing is retried by itself. */
export async function failures(count: number, options: Parameters<typeof setup>[0] = {}) {
  const made = setup({ answer: () => 500, retry: never, ...options })
  const { subscription } = await made.subscribe()
  for (let index = 0; index < count; index++)
    await made.webhooks.publish(
      index % 2 === 0 ? 'order.paid' : 'order.sent',
      {},
      { ...acme, id: `e${index}` },
    )
  await made.webhooks.drain()
  made.transport.answer(() => 200)
  const sentAgain = () => made.transport.requests.slice(count).map(idOf)
  return { ...made, subscription, sentAgain }
}
