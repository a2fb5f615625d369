/** The second half of test 65: thousands of random calls of two tenants, compared with a model that keeps them apart. */
import { describe, expect, it } from 'vitest'
import { api } from './setup.ts'

/** Repeatable chance. */
function chance(seed: number) {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const COUNT = process.env.POSTHORN_LONG === undefined ? 1_500 : 10_000

describe('two tenants at random', () => {
  it(`see their own rows and nothing else in ${COUNT} operations`, async () => {
    const { call } = api()
    const random = chance(20261121)
    const own: Record<string, Map<string, string>> = { red: new Map(), blue: new Map() }
    const all: string[] = ['nothing']
    for (let step = 0; step < COUNT; step++) {
      const tenant = random(2) === 0 ? 'red' : 'blue'
      const as = `tenant ${tenant}`
      const mine = own[tenant] ?? new Map()
      const id = all[random(all.length)] ?? 'nothing'
      const path = `/subscriptions/${id}`
      const known = mine.has(id)
      const kind = random(6)
      if (kind === 0 && mine.size < 20) {
        const name = `${tenant}-${step}`
        const json = { url: 'https://receiver.example/', name, metadata: { tenant } }
        const { status, body } = await call('POST', '/subscriptions', { as, json })
        expect(status).toBe(201)
        mine.set(String(body.subscription?.id), name)
        all.push(String(body.subscription?.id))
      } else if (kind === 1) {
        const { status, body } = await call('GET', path, { as })
        expect([status, status === 200 ? body.name : null]).toEqual(known ? [200, mine.get(id)] : [404, null])
      } else if (kind === 2) {
        const name = `${tenant}-${step}`
        const { status } = await call('PATCH', path, { as, json: { name } })
        expect(status).toBe(known ? 200 : 404)
        if (known) mine.set(id, name)
      } else if (kind === 3 && random(4) === 0) {
        const { status } = await call('DELETE', path, { as })
        expect(status).toBe(known ? 204 : 404)
        mine.delete(id)
      } else if (kind === 4) {
        const { status } = await call('POST', `${path}/${random(2) ? 'pause' : 'resume'}`, { as })
        expect(status).toBe(known ? 200 : 404)
      } else {
        const { body } = await call('GET', '/subscriptions?limit=1000', { as })
        const items = body.items as unknown as { id: string; name: string }[]
        expect(new Map(items.map((item) => [item.id, item.name]))).toEqual(mine)
      }
    }
  }, 120_000)
})
