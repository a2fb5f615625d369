/** test-runs over HTTP: each row of its document, then good, bad and boundary input for each field. */
import { describe, expect, it } from 'vitest'
import { testRuns } from './test-runs.ts'

const { backend, receiver, call, hooks, create, run } = testRuns()
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const DATE = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
const failed = { status: 'FAILED', error: expect.any(String) }

describe('a webhook', () => {
  it('is created in a project, and then found, changed and deleted by its id alone', async () => {
    const made = await create({ label: 'Größe ✓' })
    expect(made).toEqual({
      hookId: expect.stringMatching(UUID),
      projectId: backend.credentials.projectId,
      url: receiver.url,
      headers: null,
      label: 'Größe ✓',
      createdAt: DATE,
      updatedAt: DATE,
    })
    expect((await call('GET', hooks())).body).toEqual({ status: 'OK', data: [made] })
    const path = `/webhooks/${made.hookId}`
    const got = await call('GET', path)
    expect([got.status, got.body]).toEqual([200, { status: 'OK', data: made }])
    expect((await call('GET', `/webhooks/${made.hookId.toUpperCase()}`)).status).toBe(200)
    const put = await call('PUT', path, { url: 'https://receiver.example/x' })
    expect([put.status, put.body.data]).toEqual([
      200,
      { ...made, url: 'https://receiver.example/x', updatedAt: DATE },
    ])
    const gone = await call('DELETE', path)
    expect([gone.status, gone.body]).toEqual([200, { status: 'OK', data: { hookId: made.hookId } }])
    for (const method of ['GET', 'PUT', 'DELETE'])
      expect(await call(method, path, method === 'PUT' ? {} : undefined)).toMatchObject({
        status: 404,
        body: failed,
      })
  })

  it('keeps what a PUT leaves out, and loses what it sets to null', async () => {
    const { hookId } = await create({ label: 'l', headers: '{"Authorization":"Bearer x","X-Team":"blue"}' })
    const path = `/webhooks/${hookId}`
    const masked = '{"authorization":"[redacted]","x-team":"[redacted]"}'
    expect((await call('PUT', path, {})).body.data).toMatchObject({ label: 'l', headers: masked })
    expect((await call('PUT', path, { label: null })).body.data).toMatchObject({
      label: null,
      headers: masked,
    })
    expect((await call('PUT', path, { headers: null })).body.data).toMatchObject({
      label: null,
      headers: null,
    })
    expect((await call('PUT', path, { label: 'm', headers: '{}' })).body.data).toMatchObject({
      label: 'm',
      headers: null,
    })
  })

  it('is listed with all others of its project, without paging', async () => {
    const made = []
    for (let count = 0; count < 55; count++) made.unshift((await create()).hookId)
    const { body } = await call('GET', hooks())
    expect(body.data.map(({ hookId }: { hookId: string }) => hookId)).toEqual(made)
  })

  it('belongs to a project, which belongs to an api key', async () => {
    const { other, projectId } = backend.credentials
    const mine = await create()
    const second = await create({}, hooks(other.projectId))
    expect((await call('GET', hooks(other.projectId))).body.data).toEqual([second])
    expect((await call('GET', hooks())).body.data).toEqual([mine])
    const { apiKey, projectId: foreign } = other.foreign
    for (const method of ['GET', 'PUT', 'DELETE'])
      expect(
        (await call(method, `/webhooks/${mine.hookId}`, method === 'PUT' ? {} : undefined, apiKey)).status,
      ).toBe(404)
    expect((await call('GET', hooks(projectId), undefined, apiKey)).status).toBe(403)
    expect((await call('POST', hooks(foreign), { url: receiver.url })).status).toBe(403)
    for (const query of ['', '?projectId=', '?project=x']) {
      const { status, body } = await call('GET', `/webhooks${query}`)
      expect([status, body]).toEqual([400, failed])
    }
    await call('DELETE', `/webhooks/${second.hookId}`)
  })

  it('needs an api key', async () => {
    for (const key of ['', 'wrong'])
      expect(await call('GET', hooks(), undefined, key)).toMatchObject({ status: 401, body: failed })
    expect((await backend.call('GET', hooks())).status).toBe(401)
  })
})

describe('a run', () => {
  it.each([
    ['passed', 'RUN_FINISH', { status: 'passed', passes: 10, failures: 0 }],
    ['failed', 'RUN_FINISH', { status: 'failed', passes: 8, failures: 2 }],
    ['timeout', 'RUN_TIMEOUT', {}],
    ['canceled', 'RUN_CANCELED', {}],
  ])('that is %s tells every hook of RUN_START and %s, unsigned', async (outcome, end, result) => {
    await create()
    const { status, body } = await run({ name: 'smoke', outcome })
    expect(status).toBe(201)
    const got = [await receiver.next(), await receiver.next()]
    const { runId } = body.data
    const data = { projectId: backend.credentials.projectId, runId, name: 'smoke', timestamp: DATE }
    expect(
      got
        .map(({ json }) => json)
        .sort((a, b) => (a.event === 'RUN_START' ? -1 : b.event === 'RUN_START' ? 1 : 0)),
    ).toEqual([
      { event: 'RUN_START', ...data },
      { event: end, ...data, ...result },
    ])
    for (const { headers } of got) {
      expect(headers['content-type']).toBe('application/json')
      const ours = Object.keys(headers).filter((name) => /signature|webhook|event|posthorn/i.test(name))
      expect(ours).toEqual([])
    }
  })

  it('sends the custom headers as they are now', async () => {
    const { hookId } = await create({ headers: '{"Authorization":"Bearer token","X-Team":"blue"}' })
    await run()
    expect((await receiver.next()).headers).toMatchObject({ authorization: 'Bearer token', 'x-team': 'blue' })
    await receiver.next()
    const { headers: shown } = (await call('GET', `/webhooks/${hookId}`)).body.data
    expect(JSON.parse(shown)).toEqual({ authorization: '[redacted]', 'x-team': '[redacted]' })
    await call('PUT', `/webhooks/${hookId}`, {
      headers: shown.replace('"x-team":"[redacted]"', '"x-team":"green"'),
    })
    await run()
    expect((await receiver.next()).headers).toMatchObject({
      authorization: 'Bearer token',
      'x-team': 'green',
    })
    await receiver.next()
    await call('PUT', `/webhooks/${hookId}`, { headers: '{"X-Team":"red"}' })
    await run()
    const { headers } = await receiver.next()
    expect([headers.authorization, headers['x-team']]).toEqual([undefined, 'red'])
  })

  it('is told again after a failure, the same bytes', async () => {
    await create()
    receiver.answers = [503, 410]
    await run({ outcome: 'timeout' })
    for (let count = 0; count < 4; count++) await receiver.next()
    const bodies = receiver.received.map(({ raw }) => raw.toString()).sort()
    expect(bodies[0]).toBe(bodies[1])
    expect(bodies[2]).toBe(bodies[3])
  })

  it.each([{ outcome: 'lost' }, { outcome: null }, { name: '' }, { name: 'x'.repeat(256) }, { name: 5 }])(
    'is refused: %j',
    async (fields) => {
      expect(await run(fields)).toMatchObject({ status: 400, body: failed })
    },
  )
})

describe('input', () => {
  const url = 'https://receiver.example/'
  const pad = (length: number) => `{"X-A":"${'a'.repeat(length - 10)}"}`

  it.each([
    { url: 'http://receiver.example/' },
    { url: `${url}${'a'.repeat(2048 - url.length)}` },
    { headers: null },
    { headers: '{}' },
    { headers: pad(4096) },
    { label: null },
    { label: 'l' },
    { label: 'l'.repeat(255) },
    { label: '🔑'.repeat(255) },
    { unknown: 1 },
  ])('is taken: %#', async (fields) => {
    expect((await call('POST', hooks(), { url, ...fields })).status).toBe(201)
  })

  const bad: readonly Record<string, unknown>[] = [
    ...[null, '', 5, 'receiver.example', 'ftp://receiver.example/', 'http://10.0.0.1/'].map((value) => ({
      url: value,
    })),
    { url: 'http://user:pass@receiver.example/' },
    { url: `${url}${'a'.repeat(2049 - url.length)}` },
    ...[
      '',
      'x',
      '[]',
      '5',
      'null',
      '"text"',
      '{',
      '{"X-A":1}',
      '{"X-A":null}',
      '{"X A":"1"}',
      '{"__proto__":"1"}',
    ].map((headers) => ({ headers })),
    ...[
      '{"X-A":"a\\nb"}',
      '{"Host":"x"}',
      '{"X-A":"1","x-a":"2"}',
      '{"X-A":"鍵"}',
      '{"X-A":"grün"}',
      '{"X-Webhook-Id":"1"}',
    ].map((headers) => ({
      headers,
    })),
    { headers: '{"Authorization":"[redacted]"}' },
    { headers: pad(4097) },
    { headers: { 'X-A': '1' } },
    ...['', 5, 'l'.repeat(256), '🔑'.repeat(256), 'a\0b', '\ud800'].map((label) => ({ label })),
  ]

  it.each([...bad, { url: undefined }])('is refused on create: %j', async (fields) => {
    const { status, body } = await call('POST', hooks(), { url, ...fields })
    expect([status, body]).toEqual([400, failed])
    expect(body.error).toMatch(Object.keys(fields)[0] ?? '')
    expect(body.error).not.toMatch(/posthorn|createWebhooks/i)
    expect((await call('GET', hooks())).body.data).toEqual([])
  })

  it.each(bad)('is refused on PUT, which changes nothing: %j', async (fields) => {
    const made = await create({ label: 'l', headers: '{"X-A":"1"}' })
    expect((await call('PUT', `/webhooks/${made.hookId}`, { label: 'x', ...fields })).status).toBe(400)
    expect((await call('GET', `/webhooks/${made.hookId}`)).body.data).toEqual(made)
  })

  it('takes a path with a slash at its end, and refuses one that is no path', async () => {
    const { hookId } = await create()
    expect((await call('GET', hooks().replace('?', '/?'))).body.data).toHaveLength(1)
    expect((await call('GET', `/webhooks/${hookId}/`)).status).toBe(200)
    for (const path of ['//', '///webhooks']) expect((await call('GET', path)).status).toBe(404)
  })

  it('that is no object, too large, or goes nowhere is refused', async () => {
    for (const text of ['{', '[]', 'null']) expect((await call('POST', hooks(), text)).status).toBe(400)
    expect((await call('POST', hooks(), 'x'.repeat(200_000))).status).toBe(413)
    expect((await call('GET', '/webhooks/not-a-uuid')).status).toBe(400)
    expect((await call('GET', '/webhooks/00000000-0000-4000-8000-000000000000')).status).toBe(404)
    for (const [method, path] of [
      ['GET', '/nothing'],
      ['PATCH', hooks()],
      ['POST', '/webhooks/a/b'],
    ] as const)
      expect(await call(method, path)).toMatchObject({ status: 404, body: failed })
  })
})
