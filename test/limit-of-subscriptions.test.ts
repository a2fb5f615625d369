/** `maxSubscriptionsPerTenant` over real databases: two processes whose callers all ask at once. */
import { expect, it } from 'vitest'
import { describeOnEach } from './support/each-database.ts'
import { neighbour } from './support/shared-limits.ts'

describeOnEach((setupOn) => {
  it('is kept when many create at once, in two processes', async () => {
    const options = { maxSubscriptionsPerTenant: 5 }
    const made = await setupOn(options)
    const other = neighbour(made, options)
    const senders = [made.webhooks, other.webhooks]
    const create = (n: number, tenantId: string) =>
      senders[n % 2]?.subscriptions.create({ tenantId, url: `https://receiver.example/${n}` })
    for (let n = 0; n < 3; n++) await create(n, 'acme')
    const many = Array.from({ length: 30 }, (_, n) => n)
    const tried = await Promise.allSettled(many.map((n) => create(n, n < 20 ? 'acme' : 'other')))
    const kept = async (tenantId: string) =>
      (await made.webhooks.subscriptions.list({ tenantId })).items.length
    expect([await kept('acme'), await kept('other')]).toEqual([5, 5])
    const refused = tried.filter((one) => one.status === 'rejected').map(({ reason }) => reason)
    expect(refused).toHaveLength(18 + 5)
    for (const reason of refused)
      expect(reason).toMatchObject({ code: 'CONFLICT', path: 'maxSubscriptionsPerTenant' })
  })
})
