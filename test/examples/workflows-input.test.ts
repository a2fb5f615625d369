/** workflows over HTTP: good, bad and boundary input for each field. */
import { describe, expect, it } from 'vitest'
import { workflows } from './workflows.ts'

const { call, create } = workflows()
const url = 'https://receiver.example/'
const good = { name: 'n', url: `${url}hook`, event_types: ['workflow.completed'] }

describe('input', () => {
  it.each([
    { name: 'n'.repeat(255) },
    { name: '名'.repeat(255) },
    { name: '🔑'.repeat(255) },
    { url: `${url}${'a'.repeat(2048 - url.length)}` },
    { event_types: ['workflow.started', 'workflow.step.failed'] },
    { event_types: ['workflow.started', 'workflow.started'] },
    { secret: null },
    { secret: 'x' },
    { secret: 'x'.repeat(255) },
    { headers: null },
    { headers: {} },
    { headers: { 'X-A': '' } },
    { headers: { 'X-A': 'a'.repeat(4096) } },
    { unknown: 1 },
  ])('is taken: %#', async (fields) => {
    expect((await call('POST', '/webhooks', { ...good, ...fields })).status).toBe(201)
  })

  const bad: readonly Record<string, unknown>[] = [
    { name: null },
    { name: '' },
    { name: 5 },
    { name: 'n'.repeat(256) },
    { name: '🔑'.repeat(256) },
    { name: 'a\0b' },
    { name: '\ud800' },
    { url: null },
    { url: '' },
    { url: 5 },
    { url: 'receiver.example' },
    { url: 'http://receiver.example/' },
    { url: 'http://127.0.0.1.receiver.example/' },
    { url: 'ftp://receiver.example/' },
    { url: 'https://user:pass@receiver.example/' },
    { url: 'https://10.0.0.1/' },
    { url: `${url}${'a'.repeat(2049 - url.length)}` },
    { event_types: null },
    { event_types: [] },
    { event_types: 'workflow.started' },
    { event_types: ['workflow.*'] },
    { event_types: ['workflow.paused'] },
    { event_types: [5] },
    { secret: '' },
    { secret: 5 },
    { secret: 'x'.repeat(256) },
    { secret: 'a\0b' },
    { headers: 'X-A: 1' },
    { headers: ['X-A'] },
    { headers: { 'X-A': 1 } },
    { headers: { 'X-A': 'grün' } },
    { headers: { 'X A': '1' } },
    { headers: { 'X-A': 'a\r\nb' } },
    { headers: { 'X-A': 'a'.repeat(4097) } },
    { headers: { Host: 'elsewhere' } },
    { headers: { 'X-Webhook-Id': '1' } },
    { headers: { 'X-A': '1', 'x-a': '2' } },
  ]

  it.each([...bad, { name: undefined }, { url: undefined }, { event_types: undefined }])(
    'is refused with 400 on create, naming the field: %j',
    async (fields) => {
      const { status, body, text } = await call('POST', '/webhooks', { ...good, ...fields })
      expect(status).toBe(400)
      expect(body).toEqual({ error: { message: expect.any(String), field: Object.keys(fields)[0] } })
      expect(text).not.toMatch(/posthorn|createWebhooks/i)
      expect((await call('GET', '/webhooks')).body).toEqual([])
    },
  )

  it.each([...bad, { active: null }, { active: 'yes' }, { active: 0 }])(
    'is refused with 400 on change, which changes nothing: %j',
    async (fields) => {
      const made = await create({ secret: 's' })
      const { status } = await call('PATCH', `/webhooks/${made.id}`, { name: 'x', active: false, ...fields })
      expect(status).toBe(400)
      expect((await call('GET', '/webhooks')).body).toEqual([made])
    },
  )

  it('cannot take over the signature header of a signed webhook', async () => {
    const headers = { 'X-Webhook-Signature': 'forged' }
    expect((await call('POST', '/webhooks', { ...good, secret: 's', headers })).status).toBe(400)
  })

  it.each([
    'limit=0',
    'limit=1001',
    'limit=-1',
    'limit=x',
    'limit=',
    'limit=1.5',
    'skip=-1',
    'skip=x',
    'event_type=x',
  ])('is refused with 400 in a query: %s', async (query) => {
    const { id } = await create()
    for (const path of [`/webhooks/${id}/logs`, '/webhooks/logs/all'])
      expect((await call('GET', `${path}?${query}`)).status).toBe(400)
  })

  it.each(['limit=1', 'limit=1000', 'skip=0', 'skip=999999999', 'limit=5&skip=5&event_type=workflow.failed'])(
    'is taken in a query: %s',
    async (query) => {
      expect((await call('GET', `/webhooks/logs/all?${query}`)).status).toBe(200)
    },
  )

  it.each(['{', '[]', '5', '"text"', 'null'])('that is no object is refused: %s', async (text) => {
    expect((await call('POST', '/webhooks', text)).status).toBe(400)
  })

  it('to an unknown route or webhook answers 404', async () => {
    expect((await call('GET', '/nothing')).status).toBe(404)
    expect((await call('GET', '/webhooks/00000000-0000-4000-8000-000000000000')).status).toBe(404)
    expect((await call('GET', '/webhooks/%00')).status).toBe(404)
    for (const id of ['%', 'x'.repeat(300)]) {
      const { status, body } = await call('GET', `/webhooks/${id}`)
      expect([status, body]).toEqual([404, { error: { message: 'No such route', field: null } }])
    }
  })

  it('is taken at a path with a slash at its end', async () => {
    expect((await call('GET', '/webhooks/')).status).toBe(200)
  })
})
