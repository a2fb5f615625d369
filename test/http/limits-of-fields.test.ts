/** The limits of `test/doors/limits.ts` over HTTP: what is refused in code is refused here by name, is never a 500, and stores nothing. */
import { describe, expect, it } from 'vitest'
import { type Door, limits } from '../doors/limits.ts'
import { api } from './setup.ts'

type Lab = ReturnType<typeof api>
const URL = 'https://receiver.example/hook'

/** The requests of those doors that have a route. */
const doors: Partial<Record<Door, (lab: Lab, id: string, field: object) => ReturnType<Lab['call']>>> = {
  create: ({ call }, _id, field) => call('POST', '/subscriptions', { json: { url: URL, ...field } }),
  update: ({ call }, id, field) => call('PATCH', `/subscriptions/${id}`, { json: field }),
  matches: ({ call }, _id, field) => call('POST', '/matches', { json: { type: 'order.paid', ...field } }),
}

const isJson = (value: unknown) => JSON.stringify(value) !== undefined
const cases = (kind: 'takes' | 'refuses') =>
  limits
    .filter(({ field, onlyInCode }) => onlyInCode === undefined && field !== 'events' && field !== 'tenantId')
    .flatMap((limit) =>
      limit.doors
        .filter((door) => doors[door] !== undefined)
        .flatMap((door) =>
          Object.entries(limit[kind])
            .filter(([, value]) => isJson(value))
            .map(([what, value]) => [`${door} ${limit.field}: ${what}`, door, limit.field, value] as const),
        ),
    )

async function lab() {
  const made = api()
  const { subscription } = await made.subscribe()
  const stored = async () =>
    JSON.stringify((await made.store.listSubscriptions({ tenant: 'acme' }, { limit: 10 })).rows)
  return { made, id: subscription.id, stored }
}

describe('at the border', () => {
  it.each(cases('takes'))('%s', async (_name, door, field, value) => {
    const { made, id } = await lab()
    const answer = await doors[door]?.(made, id, { [field]: value })
    expect([answer?.status, answer?.text.slice(0, 300)]).toEqual([
      door === 'create' ? 201 : 200,
      expect.anything(),
    ])
  })
})

describe('beyond it', () => {
  it.each(cases('refuses'))('%s', async (_name, door, field, value) => {
    const { made, id, stored } = await lab()
    const before = await stored()
    const answer = await doors[door]?.(made, id, { [field]: value })
    if (answer === undefined) throw new Error(`no route for ${door}`)
    expect([400, 413, 422]).toContain(answer.status)
    if (answer.status === 413) return
    const { code, path, issues, detail } = answer.body as unknown as {
      code: string
      path?: string
      issues?: readonly { path: string }[]
      detail: string
    }
    expect(code).toMatch(/^(INVALID_|UNKNOWN_EVENT_TYPE)/)
    const named = [path ?? '', ...(issues ?? []).map((issue) => issue.path)]
    // The parser refuses it before there are fields.
    if (detail.includes('__proto__')) return
    expect(named.some((one) => one.startsWith(field)) || `${code} at ${named}`).toBe(true)
    expect(answer.text.length).toBeLessThan(4_000)
    expect(await stored()).toBe(before)
  })
})
