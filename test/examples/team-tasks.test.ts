/** team-tasks over HTTP: each row of its document, then good, bad and boundary input for each field. */
import { describe, expect, it } from 'vitest'
import { hmacHex, type Received } from './receiver.ts'
import { teamTasks } from './team-tasks.ts'

const { backend, receiver, call, create, session } = teamTasks()
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const DATE = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
const expectSigned = ({ headers, raw }: Received, secret: string) =>
  expect(headers['x-webhook-signature-256']).toBe(`sha256=${hmacHex(secret, raw)}`)

describe('a webhook', () => {
  it('has a UUID v7, and a generated secret that its details show again', async () => {
    const fields = { name: 'Größe ✓', url: receiver.url, events: ['task.failed'] }
    const { status, body } = await call('POST', 'webhooks', fields)
    expect([status, body]).toEqual([201, { id: expect.stringMatching(UUID_V7), secret: expect.any(String) }])
    const detail = await call('GET', `webhooks/${body.id}`)
    expect([detail.status, detail.body]).toEqual([
      200,
      { ...body, ...fields, created_at: DATE, updated_at: DATE },
    ])
    expect(body.secret).toMatch(/^\S{32,}$/)
    const list = await call('GET', 'webhooks')
    const { secret: _, ...shown } = detail.body
    expect(list.body).toEqual({ webhooks: [shown] })
    const updated = await call('PATCH', `webhooks/${body.id}`, { name: 'new' })
    expect([updated.status, updated.body]).toEqual([200, { id: body.id }])
    expect((await call('GET', `webhooks/${body.id}`)).body).toMatchObject({
      ...body,
      name: 'new',
      url: fields.url,
    })
    expect(await call('DELETE', `webhooks/${body.id}`)).toMatchObject({ status: 204, text: '' })
    for (const method of ['GET', 'PATCH', 'DELETE'])
      expect((await call(method, `webhooks/${body.id}`, method === 'PATCH' ? {} : undefined)).status).toBe(
        404,
      )
  })

  it('belongs to one team', async () => {
    const mine = await create()
    const other = { ...session(), 'x-team-id': backend.credentials.other.teamId }
    expect((await call('GET', 'webhooks', undefined, other)).body).toEqual({ webhooks: [] })
    for (const method of ['GET', 'PATCH', 'DELETE'])
      expect(
        (await call(method, `webhooks/${mine.id}`, method === 'PATCH' ? {} : undefined, other)).status,
      ).toBe(404)
    await call('POST', 'tasks', {}, other)
    const { body } = await call('POST', 'tasks', {})
    expect((await receiver.next()).json.task_id).toBe(body.id)
    expect((await call('GET', `tasks/${body.id}`, undefined, other)).status).toBe(404)
  })
})

describe('the caller', () => {
  it('with a session must name a team of theirs', async () => {
    const { authorization = '' } = session()
    const status = async (team?: string) =>
      (
        await call('GET', 'webhooks', undefined, {
          authorization,
          ...(team === undefined ? {} : { 'x-team-id': team }),
        })
      ).status
    expect(await status()).toBe(400)
    expect(await status('')).toBe(400)
    expect(await status('team')).toBe(400)
    expect(await status('019abc12-4567-7890-abcd-ef1234567891')).toBe(403)
    expect(await status(backend.credentials.teamId)).toBe(200)
    expect(await status(backend.credentials.teamId.toUpperCase())).toBe(200)
    const made = { name: 'n', url: receiver.url, events: ['task.failed'] }
    const missing = await call('POST', 'webhooks', made, { authorization })
    expect([missing.status, missing.body]).toEqual([
      400,
      { statusCode: 400, message: expect.stringContaining('X-Team-ID') },
    ])
  })

  it.each(['secretKey', 'deviceKey'])(
    'with a credential (%s) acts for its team, whatever the header says',
    async (kind) => {
      const mine = await create()
      const authorization = `Bearer ${backend.credentials[kind]}`
      for (const team of [undefined, backend.credentials.other.teamId, 'nonsense']) {
        const headers = { authorization, ...(team === undefined ? {} : { 'x-team-id': team }) }
        const { status, body } = await call('GET', 'webhooks', undefined, headers)
        expect([status, body.webhooks.length, body.webhooks[0].id]).toEqual([200, 1, mine.id])
      }
      await create({ url: `${receiver.url}/second` }, { authorization })
      expect((await call('GET', 'webhooks')).body.webhooks).toHaveLength(2)
    },
  )

  it('without a valid token is refused', async () => {
    const { authorization = '', ...team } = session()
    const [head, claims] = backend.credentials.token.split('.')
    const bad = [
      '',
      'Bearer',
      'Bearer sk-unknown',
      'Bearer dk-',
      `Basic ${authorization}`,
      `Bearer ${head}.${claims}.AAAA`,
    ]
    for (const token of bad)
      expect((await call('GET', 'webhooks', undefined, { ...team, authorization: token })).status).toBe(401)
  })
})

describe('a task', () => {
  it('that completes is told in the documented body, signed', async () => {
    const { secret } = await create()
    const { status, body } = await call('POST', 'tasks')
    expect([status, body]).toEqual([202, { id: expect.stringMatching(UUID_V7) }])
    const webhook = await receiver.next()
    expect(webhook.json).toEqual({
      event_type: 'task.completed',
      task_id: body.id,
      task_status: 'completed',
      task_output: { storage_key: `tasks/${body.id}/output.png`, image_count: 1 },
      task_error: '',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    })
    expectSigned(webhook, secret)
    expect(JSON.stringify(webhook.headers)).not.toMatch(/posthorn|"webhook-/i)
    expect((await call('GET', `tasks/${body.id}`)).body).toEqual({ id: body.id, status: 'completed' })
  })

  it.each(['failed', 'timeout', 'agent_disconnect'])('that ends with %s has failed', async (simulate) => {
    const { secret } = await create({ events: ['task.failed'] })
    await call('POST', 'tasks', {})
    await call('POST', 'tasks', { simulate })
    const webhook = await receiver.next()
    expect(webhook.json).toMatchObject({ event_type: 'task.failed', task_status: 'failed' })
    expect(webhook.json.task_error).toMatch(/\w/)
    expectSigned(webhook, secret)
    expect(receiver.received).toHaveLength(1)
  })

  it('is tried five times, four of them retries with the same bytes, and then no more', async () => {
    const { secret, id } = await create()
    receiver.answers = [503, 302, 410, 429, 500]
    await call('POST', 'tasks', {})
    const tries = []
    for (let count = 0; count < 5; count++) tries.push(await receiver.next())
    for (const one of tries) expectSigned(one, secret)
    expect(new Set(tries.map(({ raw }) => raw.toString())).size).toBe(1)
    await create({ name: 'control' })
    await call('DELETE', `webhooks/${id}`)
    const { body } = await call('POST', 'tasks', {})
    expect((await receiver.next()).json.task_id).toBe(body.id)
  })

  it.each([{ simulate: 'maybe' }, { simulate: null }, { simulate: 1 }])(
    'cannot end otherwise: %j',
    async (task) => {
      expect((await call('POST', 'tasks', task)).status).toBe(400)
    },
  )
})

describe('input', () => {
  const url = 'https://receiver.example/'
  const good = { name: 'n', url: `${url}hook`, events: ['task.completed'] }

  it.each([
    { name: 'n'.repeat(255) },
    { name: '🔑'.repeat(255) },
    { url: `${url}${'a'.repeat(2048 - url.length)}` },
    { events: ['task.failed', 'task.completed'] },
    { events: ['task.failed', 'task.failed'] },
    { unknown: 1 },
  ])('is taken: %#', async (fields) => {
    expect((await call('POST', 'webhooks', { ...good, ...fields })).status).toBe(201)
  })

  const bad: readonly Record<string, unknown>[] = [
    ...[null, '', 5, 'n'.repeat(256), '🔑'.repeat(256), 'a\0b', '\ud800'].map((name) => ({ name })),
    ...[
      null,
      '',
      5,
      'receiver.example',
      'HTTPS',
      'ftp://receiver.example/',
      ' https://receiver.example/',
    ].map((bad) => ({ url: bad })),
    { url: 'http://receiver.example/' },
    { url: 'http://localhost.receiver.example/' },
    { url: 'https://192.168.0.1/' },
    { url: 'https://user:pass@receiver.example/' },
    { url: `${url}${'a'.repeat(2049 - url.length)}` },
    ...[null, [], 'task.failed', ['task.*'], ['task.started'], [null]].map((events) => ({ events })),
  ]

  it.each([...bad, { name: undefined }, { url: undefined }, { events: undefined }])(
    'is refused on create: %j',
    async (fields) => {
      const { status, body } = await call('POST', 'webhooks', { ...good, ...fields })
      expect([status, body]).toEqual([400, { statusCode: 400, message: expect.any(String) }])
      expect(body.message).toMatch(Object.keys(fields)[0] ?? '')
      expect(body.message).not.toMatch(/posthorn|createWebhooks/i)
      expect((await call('GET', 'webhooks')).body.webhooks).toEqual([])
    },
  )

  it.each(bad)('is refused on change, which changes nothing: %j', async (fields) => {
    const made = await create()
    expect((await call('PATCH', `webhooks/${made.id}`, { name: 'x', ...fields })).status).toBe(400)
    expect((await call('GET', `webhooks/${made.id}`)).body).toEqual(made)
  })

  it('that is no object, or goes nowhere, is refused', async () => {
    for (const text of ['{', '[]']) expect((await call('POST', 'webhooks', text)).status).toBe(400)
    for (const path of ['webhooks/%00', 'webhooks/x', 'nothing'])
      expect((await call('GET', path)).status).toBe(404)
  })
})
