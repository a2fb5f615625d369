/** The limit: a bare loop over `undici`, signing included, that stores nothing. */
import type { Contender, Setup } from '../contender.ts'
import { createSender } from '../signed-request.ts'
import { bodyOf, tenantOf } from '../work.ts'

export async function limit(setup: Setup): Promise<Contender> {
  const { work } = setup
  const sender = createSender(setup)
  let published = 0
  let begun = 0
  let current = { event: -1, id: '', body: '' }

  function eventOf(event: number) {
    if (current.event !== event) current = { event, id: `evt_${event}`, body: bodyOf(work, event) }
    return current
  }

  async function lane(): Promise<void> {
    while (begun < published * work.fanOut) {
      const delivery = begun++
      const { event, id, body } = eventOf(Math.floor(delivery / work.fanOut))
      await sender.send(tenantOf(work, event) * work.fanOut + (delivery % work.fanOut), id, body)
    }
  }

  return {
    async start() {},
    async publish(from, count) {
      published = from + count
    },
    async publishOne(event) {
      const { id, body } = eventOf(event)
      await sender.send(tenantOf(work, event) * work.fanOut, id, body)
      return id
    },
    async settled() {
      await Promise.all(Array.from({ length: work.concurrency }, lane))
    },
    close: () => sender.close(),
  }
}
