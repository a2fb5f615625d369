/** workflows over HTTP: each row of its document. What it refuses is in workflows-input.test.ts. */
import { describe, expect, it } from 'vitest'
import type { Json } from './backend.ts'
import { hmacHex, startReceiver } from './receiver.ts'
import { workflows } from './workflows.ts'

const { backend, receiver, call, create, logs } = workflows()

const ALL = [
  ...['workflow.started', 'workflow.completed', 'workflow.failed'],
  ...['workflow.step.started', 'workflow.step.completed', 'workflow.step.failed'],
]
const DATE = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
const other = () => ({ 'x-organization-id': backend.credentials.other.organizationId })

describe('a subscription', () => {
  it('is created, read, listed, changed in part, and deleted for good', async () => {
    const made = await create({ secret: 'stored-secret', headers: { 'X-Team': 'blue' } })
    expect(made).toEqual({
      id: expect.any(String),
      name: 'CI',
      url: receiver.url,
      event_types: ['workflow.completed'],
      active: true,
      created_at: DATE,
      updated_at: DATE,
    })
    expect((await call('GET', `/webhooks/${made.id}`)).body).toEqual(made)
    expect((await call('GET', '/webhooks')).body).toEqual([made])
    const changed = await call('PATCH', `/webhooks/${made.id}`, { name: 'Neu ✓', active: false })
    expect(changed.status).toBe(200)
    expect(changed.body).toEqual({ ...made, name: 'Neu ✓', active: false, updated_at: DATE })
    expect((await call('PATCH', `/webhooks/${made.id}`, {})).body).toMatchObject({
      name: 'Neu ✓',
      active: false,
    })
    expect(JSON.stringify([made, changed.text])).not.toMatch(/stored-secret|blue/)
    expect(await call('DELETE', `/webhooks/${made.id}`)).toMatchObject({ status: 204, text: '' })
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['GET', '/logs'],
      ['POST', '/test'],
    ] as const) {
      const { status } = await call(
        method,
        `/webhooks/${made.id}${path}`,
        method === 'PATCH' ? {} : undefined,
      )
      expect([method, path, status]).toEqual([method, path, 404])
    }
  })

  it('belongs to the organisation of the header, or to the default one', async () => {
    const mine = await create()
    const theirs = await create({ name: 'theirs' }, other())
    expect((await call('GET', '/webhooks')).body).toEqual([mine])
    const named = { 'x-organization-id': backend.credentials.organizationId }
    expect((await call('GET', '/webhooks', undefined, named)).body).toEqual([mine])
    expect((await call('GET', '/webhooks', undefined, other())).body).toEqual([theirs])
    for (const method of ['GET', 'PATCH', 'DELETE'])
      expect((await call(method, `/webhooks/${theirs.id}`, method === 'PATCH' ? {} : undefined)).status).toBe(
        404,
      )
    const nobody = { 'x-organization-id': 'org-of-nobody' }
    expect((await call('GET', '/webhooks', undefined, nobody)).status).toBe(403)
    expect((await call('DELETE', `/webhooks/${theirs.id}`, undefined, other())).status).toBe(204)
  })

  it('needs an api key', async () => {
    for (const authorization of ['', 'Bearer wrong', backend.credentials.apiKey]) {
      const { status, body } = await call('GET', '/webhooks', undefined, { authorization })
      expect([status, body]).toEqual([401, { error: { message: expect.any(String), field: null } }])
    }
  })

  it('is listed with all others, without paging', async () => {
    const made = await Promise.all(Array.from({ length: 55 }, () => create()))
    const listed = (await call('GET', '/webhooks')).body.map(({ id }: Json) => id)
    expect(listed.sort()).toEqual(made.map(({ id }) => id).sort())
  })
})

describe('a run', () => {
  it('tells of the workflow and each step, to those who want to know', async () => {
    await create({ event_types: ALL })
    const { status, body } = await call('POST', '/workflows/demo/run', { steps: ['one', 'two'] })
    expect(status).toBe(202)
    const got = []
    for (let count = 0; count < 6; count++) got.push((await receiver.next()).json)
    expect(got.map(({ event, data }) => [event, data.step]).sort()).toEqual(
      [
        ['workflow.started', undefined],
        ['workflow.step.started', 'one'],
        ['workflow.step.completed', 'one'],
        ['workflow.step.started', 'two'],
        ['workflow.step.completed', 'two'],
        ['workflow.completed', undefined],
      ].sort(),
    )
    for (const { organization_id, timestamp, data } of got) {
      expect(organization_id).toBe(backend.credentials.organizationId)
      expect(timestamp).toEqual(DATE)
      expect(data).toMatchObject({ workflow_id: 'demo', execution_id: body.execution_id })
    }
  })

  it('that fails tells where', async () => {
    await create({ event_types: ['workflow.failed', 'workflow.step.failed', 'workflow.completed'] })
    await call('POST', '/workflows/demo/run', { steps: ['one', 'two'], fail_at: 'one' })
    const got = [(await receiver.next()).json, (await receiver.next()).json]
    expect(got.map(({ event }) => event).sort()).toEqual(['workflow.failed', 'workflow.step.failed'])
    for (const { data } of got) expect(data.error).toEqual(expect.any(String))
  })

  it('reaches only subscribers of the type, and nobody who is inactive', async () => {
    await create({ event_types: ['workflow.failed'], url: `${receiver.url}/wrong-type` })
    const off = await create({ url: `${receiver.url}/off` })
    await call('PATCH', `/webhooks/${off.id}`, { active: false })
    await create({ url: `${receiver.url}/right` }, other())
    await create({ url: `${receiver.url}/right` })
    await call('POST', '/workflows/demo/run', {})
    const webhook = await receiver.next()
    expect([webhook.path, webhook.json.event]).toEqual(['/hook/right', 'workflow.completed'])
    await call('PATCH', `/webhooks/${off.id}`, { active: true })
    await call('POST', '/workflows/demo/run', {})
    expect([(await receiver.next()).path, (await receiver.next()).path].sort()).toEqual([
      '/hook/off',
      '/hook/right',
    ])
    expect(receiver.received).toHaveLength(3)
    for (const { id } of (await call('GET', '/webhooks', undefined, other())).body)
      await call('DELETE', `/webhooks/${id}`, undefined, other())
  })
})

describe('the signature', () => {
  const run = () => call('POST', '/workflows/demo/run', {})

  it('is the HMAC of the body if a secret was given, and nothing otherwise', async () => {
    const { id } = await create()
    await run()
    const bare = await receiver.next()
    expect(Object.keys(bare.headers).filter((name) => /signature|webhook|posthorn/i.test(name))).toEqual([])
    for (const secret of ['s', '🔑'.repeat(255)]) {
      expect((await call('PATCH', `/webhooks/${id}`, { secret })).status).toBe(200)
      await run()
      const { headers, raw } = await receiver.next()
      expect(headers['x-webhook-signature']).toBe(hmacHex(secret, raw))
    }
    await call('PATCH', `/webhooks/${id}`, { secret: null })
    await run()
    expect((await receiver.next()).headers['x-webhook-signature']).toBeUndefined()
  })

  it('is made from the first event on, and stays when other fields change', async () => {
    const { id } = await create({ secret: 'first', event_types: ['workflow.started'] })
    await call('PATCH', `/webhooks/${id}`, { event_types: ['workflow.completed'], name: 'x' })
    await run()
    const { headers, raw, json } = await receiver.next()
    expect(json.event).toBe('workflow.completed')
    expect(headers['x-webhook-signature']).toBe(hmacHex('first', raw))
  })

  it('comes with the custom headers, which can be changed and removed', async () => {
    const { id } = await create({ headers: { Authorization: 'Bearer receiver', 'X-Team': 'green' } })
    await run()
    const { headers } = await receiver.next()
    expect(headers.authorization).toBe('Bearer receiver')
    expect(headers['x-team']).toBe('green')
    await call('PATCH', `/webhooks/${id}`, { headers: { 'X-Other': '1' } })
    await run()
    const changed = (await receiver.next()).headers
    expect([changed.authorization, changed['x-other']]).toEqual([undefined, '1'])
    await call('PATCH', `/webhooks/${id}`, { headers: null })
    await run()
    expect((await receiver.next()).headers['x-other']).toBeUndefined()
  })
})

describe('the logs', () => {
  it('hold every attempt, retries included, newest first', async () => {
    const { id } = await create()
    receiver.answers = [500, 503]
    await call('POST', '/workflows/demo/run', {})
    const entries = await logs(`/webhooks/${id}/logs`, (all) => all.length === 3)
    expect(entries).toMatchObject([
      { attempt: 3, success: true, status_code: 204, event_type: 'workflow.completed', subscription_id: id },
      { attempt: 2, success: false, status_code: 503 },
      { attempt: 1, success: false, status_code: 500 },
    ])
    expect(entries[0]).toMatchObject({ id: expect.any(String), created_at: DATE, error: null })
    expect(new Set(receiver.received.map(({ raw }) => raw.toString())).size).toBe(1)
    const page = await call('GET', `/webhooks/${id}/logs?limit=1&skip=1`)
    expect(page.body).toEqual([entries[1]])
    expect((await call('GET', `/webhooks/${id}/logs?skip=3`)).body).toEqual([])
    expect((await call('GET', `/webhooks/${id}/logs?event_type=workflow.failed`)).body).toEqual([])
  })

  it('of the organisation hold those of all subscriptions, by type if asked, and of no other organisation', async () => {
    const closed = await startReceiver()
    closed.close()
    const one = await create({ event_types: ['workflow.started'] })
    const two = await create({ event_types: ['workflow.completed'], url: closed.url })
    await call('POST', '/workflows/demo/run', {})
    const isThere = (all: Json[]) => [one, two].every(({ id }) => all.some((e) => e.subscription_id === id))
    const entries = await logs('/webhooks/logs/all', isThere)
    expect(entries.find((entry) => entry.subscription_id === two.id)).toMatchObject({
      success: false,
      status_code: null,
      error: expect.any(String),
    })
    const started = (await call('GET', '/webhooks/logs/all?event_type=workflow.started&limit=1000')).body
    expect(new Set(started.map((entry: Json) => entry.event_type))).toEqual(new Set(['workflow.started']))
    expect((await call('GET', '/webhooks/logs/all', undefined, other())).body).not.toContainEqual(
      expect.objectContaining({ subscription_id: one.id }),
    )
  })

  it('hold 50 entries unless asked for more', async () => {
    const { id } = await create({ event_types: ['workflow.step.started'] })
    const steps = Array.from({ length: 20 }, (_, index) => `s${index}`)
    for (let run = 0; run < 3; run++) await call('POST', '/workflows/demo/run', { steps })
    const all = await logs(`/webhooks/${id}/logs?limit=1000`, (entries) => entries.length === 60)
    expect((await call('GET', `/webhooks/${id}/logs`)).body).toEqual(all.slice(0, 50))
    expect((await call('GET', `/webhooks/${id}/logs?limit=60&skip=50`)).body).toEqual(all.slice(50))
  })

  it('show a test, which goes to this subscription alone, whatever it wants and even if it is inactive', async () => {
    await create({ url: `${receiver.url}/other` })
    const { id } = await create({ event_types: ['workflow.failed'], secret: 'test-secret' })
    await call('PATCH', `/webhooks/${id}`, { active: false })
    const { status, body } = await call('POST', `/webhooks/${id}/test`)
    expect([status, body]).toEqual([200, { event_type: 'workflow.completed' }])
    const webhook = await receiver.next()
    expect([webhook.path, webhook.json.event]).toEqual(['/hook', 'workflow.completed'])
    expect(webhook.json).toMatchObject({ timestamp: DATE, data: { workflow_id: expect.any(String) } })
    expect(webhook.headers['x-webhook-signature']).toBe(hmacHex('test-secret', webhook.raw))
    const entries = await logs(`/webhooks/${id}/logs`, (all) => all.length === 1)
    expect(entries).toMatchObject([{ event_type: 'workflow.completed', success: true, attempt: 1 }])
  })
})
