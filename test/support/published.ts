/** One event to one subscription of the tenant `acme`, answered as the test says, with short ways to look at what came of it. */
import { schedule } from '../../src/index.ts'
import type { FakeAnswer } from '../../src/testing/fake-transport.ts'
import { setup } from './setup.ts'

export const acme = { tenantId: 'acme' }
/** Five retries, five seconds apart. */
const steady = schedule(Array(5).fill('5s'), { jitter: 0 })
/** Publishes the event and drains. */
export async function published(
  answer: (nth: number) => FakeAnswer,
  options: Parameters<typeof setup>[0] = {},
  extra = {},
) {
  const made = setup({ answer: (_request, nth) => answer(nth), retry: steady, ...options })
  const { subscription } = await made.subscribe('acme', extra)
  await made.webhooks.publish('a', { n: 0 }, acme)
  await made.webhooks.drain()
  const subscriptionNow = () => made.webhooks.subscriptions.get(subscription.id, acme)
  const deliveries = async () => (await made.webhooks.deliveries.list(acme)).items
  const attempts = async () => (await made.webhooks.attempts.list(acme)).items
  return { ...made, subscriptionNow, deliveries, attempts }
}
