/** Every limit of `limits.ts` at every door that has the field: taken at the border, refused beyond it by name, and then nothing is stored. */
import { describe, expect, it } from 'vitest'
import { isPosthornError } from '../../src/index.ts'
import { setup } from '../support/setup.ts'
import { type Door, type Limit, limits } from './limits.ts'

const TENANT = { tenantId: 'acme' }
const URL = 'https://receiver.example/hook'

type Lab = ReturnType<typeof setup>

/** The call of each door, with one field of the caller's choice. */
const doors: Readonly<Record<Door, (lab: Lab, field: object) => Promise<unknown>>> = {
  create: ({ webhooks }, field) => webhooks.subscriptions.create({ ...TENANT, url: URL, ...field }),
  async update({ webhooks, store }, field) {
    const [row] = (await store.listSubscriptions({ tenant: 'acme' }, { limit: 2 })).rows
    return webhooks.subscriptions.update(row?.id ?? '', field, TENANT)
  },
  publish: ({ webhooks }, field) => webhooks.publish('a', {}, { ...TENANT, ...field }),
  to: ({ webhooks }, field) => webhooks.publish('a', {}, { ...TENANT, to: { url: URL, ...field } }),
  matches: ({ webhooks }, field) => webhooks.subscriptions.matches({ ...TENANT, type: 'a', ...field }),
  list: ({ webhooks }, field) => webhooks.subscriptions.list({ ...TENANT, ...field }),
  page: async ({ webhooks: { subscriptions, deliveries, attempts, events } }, field) => {
    const page = { ...TENANT, ...field }
    for (const of of [deliveries, attempts, events]) await of.list(page)
    return subscriptions.list(page)
  },
}

/** One subscription, and all that is stored as text. */
async function lab() {
  const made = setup()
  await made.subscribe()
  const stored = async () => {
    const { rows } = await made.store.listSubscriptions({ tenant: 'acme' }, { limit: 10 })
    const events = await made.store.listEvents({ tenant: 'acme' }, { limit: 10 })
    return JSON.stringify([rows, events.rows])
  }
  return { ...made, stored }
}

const shown = (path: string | undefined) => path ?? '(no path)'
const cases = (kind: 'takes' | 'refuses') =>
  limits.flatMap((limit: Limit) =>
    limit.doors.flatMap((door) =>
      Object.entries(limit[kind]).map(
        ([what, value]) => [`${door} ${limit.field}: ${what}`, door, limit.field, value] as const,
      ),
    ),
  )

describe('at the border', () => {
  it.each(cases('takes'))('%s', async (_name, door, field, value) => {
    await expect(doors[door](await lab(), { [field]: value })).resolves.toBeDefined()
  })
})

describe('beyond it', () => {
  it.each(cases('refuses'))('%s', async (_name, door, field, value) => {
    const made = await lab()
    const before = await made.stored()
    const error: unknown = await doors[door](made, { [field]: value }).then(
      () => 'it was taken',
      (caught: unknown) => caught,
    )
    expect(isPosthornError(error) ? 'refused' : error).toBe('refused')
    const { code, path, message } = error as { code: string; path?: string; message: string }
    expect(code).toMatch(/^(INVALID_|UNKNOWN_EVENT_TYPE|TENANT_REQUIRED)/)
    const expected = door === 'to' ? `to.${field}` : field
    expect(shown(path).startsWith(expected) || `${code} at ${shown(path)}`).toBe(true)
    expect(message.length).toBeLessThan(600)
    expect(await made.stored()).toBe(before)
  })
})
