/** jobs-cloud over HTTP: good, bad and boundary input for each field. */
import { describe, expect, it } from 'vitest'
import { jobsCloud } from './jobs-cloud.ts'

const { backend, post, endpoint } = jobsCloud()

describe('input', () => {
  const url = 'https://receiver.example/'
  const good = { url: `${url}hook`, signing_secret: 's' }

  it.each([
    { url: `${url}${'a'.repeat(2048 - url.length)}` },
    { url: `${url}ünï?q=1` },
    { signing_secret: 'x' },
    { signing_secret: 'x'.repeat(255) },
    { signing_secret: '🔑'.repeat(255) },
    { description: '' },
    { description: '説明'.repeat(500) },
    { description: null },
    { active: false },
    { unknown_field: 1 },
  ])('is taken: %#', async (fields) => {
    expect((await post('webhooks/create', { ...good, ...fields })).status).toBe(200)
  })

  it.each([
    { url: undefined },
    { url: null },
    { url: 5 },
    { url: '' },
    { url: 'receiver.example' },
    { url: 'ftp://receiver.example/' },
    { url: 'http://receiver.example:99999/' },
    { url: 'https://user:pass@receiver.example/' },
    { url: `${url}${'a'.repeat(2049 - url.length)}` },
    { url: 'https://169.254.169.254/latest' },
    { signing_secret: undefined },
    { signing_secret: null },
    { signing_secret: 5 },
    { signing_secret: '' },
    { signing_secret: 'x'.repeat(256) },
    { signing_secret: 'a\0b' },
    { description: 5 },
    { description: 'x'.repeat(1001) },
    { active: 'yes' },
    { active: 1 },
    { active: null },
  ])('is refused with 400 on create: %j', async (fields) => {
    const { status, body } = await post('webhooks/create', { ...good, ...fields })
    expect([status, body]).toEqual([400, { success: false, message: expect.any(String) }])
    expect(body.message).toMatch(Object.keys(fields)[0] ?? '')
    expect((await post('webhooks/list')).body.webhook_endpoints).toEqual([])
  })

  it.each([
    { id: undefined },
    { id: null },
    { id: 5 },
    { url: null },
    { url: 'nonsense' },
    { signing_secret: null },
    { signing_secret: '' },
    { active: null },
    { active: 0 },
    { description: 5 },
  ])('is refused with 400 on update, which changes nothing: %j', async (fields) => {
    const id = await endpoint()
    const before = (await post('webhooks/list')).body
    const { status } = await post('webhooks/update', { id, description: 'changed', active: false, ...fields })
    expect(status).toBe(400)
    expect((await post('webhooks/list')).body).toEqual(before)
  })

  it.each([
    {},
    { workflow: null },
    { workflow: '' },
    { workflow: 'x'.repeat(256) },
    { workflow: '\ud800' },
    { workflow: 'w', callback_url: 'http://10.0.0.1/', callback_secret: 's' },
    { workflow: 'w', callback_url: 'x', callback_secret: 's' },
    { workflow: 'w', callback_url: 'https://receiver.example/', callback_secret: '' },
    { workflow: 'w', skip_callbacks: 'true' },
    { workflow: 'w', deployment_id: 5 },
    { workflow: 'w', simulate: 'maybe' },
  ])('is refused with 400 for a job: %j', async (job) => {
    expect((await post('jobs/create', job)).status).toBe(400)
  })

  it('that is not JSON, not an object, or too large is refused', async () => {
    expect((await post('webhooks/create', '{')).status).toBe(400)
    expect((await post('webhooks/create', '[]')).status).toBe(400)
    expect((await post('webhooks/create', `{"url":"${'x'.repeat(200_000)}"}`)).status).toBe(413)
  })

  it('is not even read without a key', async () => {
    for (const body of ['{', `{"url":"${'x'.repeat(200_000)}"}`])
      expect((await backend.call('POST', '/v1/webhooks/create', body)).status).toBe(401)
  })

  it('at no route is 404, and only POST is served', async () => {
    expect((await post('webhooks/nothing', {})).status).toBe(404)
    const { status, body } = await backend.call('GET', '/v1/webhooks/list', undefined, {
      'x-api-key': backend.credentials.apiKey,
    })
    expect([status, body.success]).toEqual([404, false])
  })

  it('names no part of the sender in its errors', async () => {
    const { text } = await post('webhooks/create', { ...good, url: 'http://127.0.0.1.nip.io/x' })
    expect(text).not.toMatch(/posthorn|createWebhooks|subscription/i)
  })
})
