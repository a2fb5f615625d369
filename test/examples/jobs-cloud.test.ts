/** jobs-cloud over HTTP: each row of its document. What it refuses is in jobs-cloud-input.test.ts. */
import { describe, expect, it } from 'vitest'
import type { Json } from './backend.ts'
import { jobsCloud } from './jobs-cloud.ts'
import { hmacHex, type Received, startReceiver } from './receiver.ts'

const { backend, receiver, post, endpoint } = jobsCloud()

function expectSigned({ headers, raw }: Received, secret: string): void {
  expect(headers['x-webhook-signature']).toBe(hmacHex(secret, raw))
}

describe('endpoints', () => {
  it('are created, listed, updated and deleted with the documented fields', async () => {
    const made = await post('webhooks/create', {
      url: receiver.url,
      signing_secret: 'stored-secret',
      description: 'CI',
    })
    expect(made.status).toBe(200)
    expect(Object.keys(made.body).sort()).toEqual(['message', 'success', 'webhook_endpoint_id'])
    const id = made.body.webhook_endpoint_id
    const listed = await post('webhooks/list')
    expect(listed.body).toEqual({
      success: true,
      webhook_endpoints: [
        {
          webhook_endpoint_id: id,
          url: receiver.url,
          description: 'CI',
          active: true,
          created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
          updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        },
      ],
    })
    expect(listed.text).not.toContain('stored-secret')
    const updated = await post('webhooks/update', { id, description: 'new' })
    expect(updated.body).toEqual({ success: true, message: expect.any(String) })
    const [after] = (await post('webhooks/list')).body.webhook_endpoints
    expect(after).toMatchObject({ description: 'new', active: true, url: receiver.url })
    await post('webhooks/update', { id, description: null, active: false })
    expect((await post('webhooks/list')).body.webhook_endpoints).toMatchObject([
      { description: null, active: false },
    ])
    expect((await post('webhooks/delete', { id })).body).toEqual({
      success: true,
      message: expect.any(String),
    })
    expect((await post('webhooks/list')).body.webhook_endpoints).toEqual([])
    expect((await post('webhooks/delete', { id })).status).toBe(404)
  })

  it('are all listed, without paging', async () => {
    const made = await Promise.all(Array.from({ length: 60 }, () => endpoint()))
    const { body } = await post('webhooks/list', {})
    const listed = body.webhook_endpoints.map((one: Json) => one.webhook_endpoint_id)
    expect(listed.sort()).toEqual([...made].sort())
  })

  it('belong to the tenant of the api key', async () => {
    const id = await endpoint()
    const other = backend.credentials.other.apiKey
    expect((await post('webhooks/list', {}, other)).body.webhook_endpoints).toEqual([])
    expect((await post('webhooks/update', { id, active: false }, other)).status).toBe(404)
    expect((await post('webhooks/delete', { id }, other)).status).toBe(404)
    expect((await post('jobs/create', { workflow: 'w' }, other)).status).toBe(200)
    await post('jobs/create', { workflow: 'mine' })
    expect((await receiver.next()).json).toMatchObject({ workflow: 'mine' })
  })

  it.each(['webhooks/create', 'webhooks/list', 'webhooks/update', 'webhooks/delete', 'jobs/create'])(
    '%s needs a key',
    async (path) => {
      for (const key of ['', 'lk_wrong']) {
        const { status, body } = await post(path, {}, key)
        expect([status, body]).toEqual([401, { success: false, message: expect.any(String) }])
      }
    },
  )
})

describe('a job', () => {
  it('that completes tells every active endpoint, with the documented body and headers', async () => {
    const ids = [await endpoint(), await endpoint({ signing_secret: 'other secret ✓' })]
    await endpoint({ url: `${receiver.url}/inactive`, active: false })
    const { body: job } = await post('jobs/create', { workflow: 'checkout', deployment_id: 'dep_1' })
    const webhooks = [await receiver.next(), await receiver.next()]
    for (const webhook of webhooks) {
      expect(webhook.json).toEqual({
        event: 'job.completed',
        job_id: job.job_id,
        nonce: expect.stringMatching(/^[0-9a-f]{32}$/),
        workflow: 'checkout',
        deployment_id: 'dep_1',
        status: 'completed',
        result: expect.anything(),
        error: null,
        mapped_stack: null,
      })
      expect(webhook.headers).toMatchObject({
        'x-event-type': 'job.completed',
        'content-type': 'application/json',
      })
      expect(JSON.stringify(webhook.headers)).not.toMatch(/posthorn|webhook-id/i)
    }
    const signatures = webhooks.map(({ headers }) => headers['x-webhook-signature']).sort()
    const [raw = Buffer.of()] = webhooks.map((webhook) => webhook.raw)
    expect(signatures).toEqual([hmacHex('stored-secret', raw), hmacHex('other secret ✓', raw)].sort())
    expect(ids).toHaveLength(2)
    expect(receiver.received.map(({ path }) => path)).toEqual(['/hook', '/hook'])
  })

  it('that fails says why', async () => {
    await endpoint()
    await post('jobs/create', { workflow: 'w', simulate: 'failed' })
    const webhook = await receiver.next()
    expect(webhook.headers['x-event-type']).toBe('job.failed')
    expect(webhook.json).toMatchObject({ event: 'job.failed', status: 'failed', result: null })
    expect(webhook.json.error).toEqual(expect.any(String))
    expect(webhook.json.mapped_stack).toEqual(expect.any(String))
    expectSigned(webhook, 'stored-secret')
  })

  it('is sent again after a failure, the same bytes', async () => {
    await endpoint()
    receiver.answers = [500, 503]
    await post('jobs/create', { workflow: 'w' })
    const [first, second, third] = [await receiver.next(), await receiver.next(), await receiver.next()]
    expect(second.raw.equals(first.raw)).toBe(true)
    expect(third.raw.equals(first.raw)).toBe(true)
    expectSigned(third, 'stored-secret')
  })

  it('with a callback and its secret tells only that callback', async () => {
    await endpoint()
    const callback = await startReceiver()
    await post('jobs/create', { workflow: 'one', callback_url: callback.url, callback_secret: 'own-secret' })
    const webhook = await callback.next()
    expect(webhook.json).toMatchObject({ event: 'job.completed', workflow: 'one' })
    expect(webhook.headers['x-event-type']).toBe('job.completed')
    expectSigned(webhook, 'own-secret')
    await post('jobs/create', { workflow: 'two' })
    expect((await receiver.next()).json).toMatchObject({ workflow: 'two' })
    expect(callback.received).toHaveLength(1)
    callback.close()
  })

  it.each([{ callback_secret: 's' }, { callback_url: 'https://example.com/cb' }])(
    'with half a callback (%j) tells the stored endpoints',
    async (half) => {
      await endpoint()
      await post('jobs/create', { workflow: 'half', ...half })
      expect((await receiver.next()).json).toMatchObject({ workflow: 'half' })
    },
  )

  it('with skip_callbacks tells nobody, whatever else it says', async () => {
    await endpoint()
    const callback = { callback_url: receiver.url, callback_secret: 's' }
    const { body: one } = await post('jobs/create', { workflow: 'skipped', skip_callbacks: true })
    await post('jobs/create', { workflow: 'skipped', skip_callbacks: true, ...callback })
    await post('jobs/create', { workflow: 'told', skip_callbacks: false })
    expect((await receiver.next()).json).toMatchObject({ workflow: 'told' })
    const { body } = await post('jobs/get', { id: one.job_id })
    expect(body).toMatchObject({ status: 'completed' })
    expect(receiver.received).toHaveLength(1)
  })

  it('reaches nobody while the endpoint is inactive, and everybody after it is active again', async () => {
    const id = await endpoint({ active: false })
    await post('jobs/create', { workflow: 'missed' })
    const control = await startReceiver()
    await post('jobs/create', { workflow: 'control', callback_url: control.url, callback_secret: 's' })
    await control.next()
    control.close()
    await post('webhooks/update', { id, active: true })
    await post('jobs/create', { workflow: 'seen' })
    expect((await receiver.next()).json).toMatchObject({ workflow: 'seen' })
  })

  it('is signed with the new secret after an update, and sent to the new url', async () => {
    const id = await endpoint({ url: `${receiver.url}/old` })
    await post('webhooks/update', { id, signing_secret: 'new', url: `${receiver.url}/new` })
    await post('jobs/create', { workflow: 'w' })
    const webhook = await receiver.next()
    expectSigned(webhook, 'new')
    expect(webhook.path).toBe('/hook/new')
  })

  it('of another tenant cannot be read', async () => {
    const { body } = await post('jobs/create', { workflow: 'w' })
    expect((await post('jobs/get', { id: body.job_id }, backend.credentials.other.apiKey)).status).toBe(404)
  })
})

describe('a schedule', () => {
  it('runs jobs with its own callback until it is deleted', async () => {
    await endpoint()
    const callback = await startReceiver()
    const { body } = await post('schedules/create', {
      ...{ workflow: 'nightly', interval_seconds: 1 },
      ...{ callback_url: callback.url, callback_secret: 'dev' },
    })
    const [first, second] = [await callback.next(), await callback.next()]
    expectSigned(first, 'dev')
    expect(second.json.job_id).not.toBe(first.json.job_id)
    expect((await post('schedules/delete', { id: body.schedule_id })).status).toBe(200)
    expect((await post('schedules/delete', { id: body.schedule_id })).status).toBe(404)
    expect(receiver.received.filter(({ json }) => json.workflow === 'nightly')).toEqual([])
    callback.close()
  })

  it.each([0, 86_401, 1.5, '5', null])('refuses an interval of %j', async (interval_seconds) => {
    const { status } = await post('schedules/create', { workflow: 'w', interval_seconds })
    expect(status).toBe(400)
  })
})
