/** `npm run api`: every backend on every store, from the command to a delivery, and what it says of a wrong command. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest'
import { askForServer } from '../support/databases/broker.ts'
import { type Backend, type Json, root, startBackend } from './backend.ts'
import { hmacHex, startReceiver } from './receiver.ts'

interface Journey {
  /** Creates a webhook, makes something happen, and gives the secret, if there is one. */
  readonly go: (backend: Backend, url: string) => Promise<string | null>
  /** The header of the signature, and what stands before it. */
  readonly signed?: readonly [header: string, prefix: string]
}

async function accepted(
  backend: Backend,
  path: string,
  body: object,
  headers: Record<string, string>,
): Promise<Json> {
  const answer = await backend.call('POST', path, body, headers)
  expect([path, answer.status, answer.body]).toEqual([
    path,
    expect.toSatisfy((status) => status < 300),
    expect.anything(),
  ])
  return answer.body
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

const journeys: Readonly<Record<string, Journey>> = {
  'jobs-cloud': {
    signed: ['x-webhook-signature', ''],
    async go(backend, url) {
      const headers = { 'x-api-key': backend.credentials.apiKey }
      await accepted(backend, '/v1/webhooks/create', { url, signing_secret: 'secret ✓' }, headers)
      await accepted(backend, '/v1/jobs/create', { workflow: 'w' }, headers)
      return 'secret ✓'
    },
  },
  workflows: {
    signed: ['x-webhook-signature', ''],
    async go(backend, url) {
      const headers = bearer(backend.credentials.apiKey)
      const hook = { name: 'n', url, event_types: ['workflow.completed'], secret: 'secret ✓' }
      await accepted(backend, '/webhooks', hook, headers)
      await accepted(backend, '/workflows/demo/run', {}, headers)
      return hook.secret
    },
  },
  'admin-console': {
    signed: ['x-webhook-signature', 'sha256='],
    async go(backend, url) {
      const headers = bearer(backend.credentials.token)
      const hook = { url, events: ['user.created'], tenant_id: backend.credentials.tenantId }
      const { secret } = await accepted(backend, '/api/v1/admin/webhooks/', hook, headers)
      const user = { tenant_id: backend.credentials.tenantId, email: 'ada@example.com' }
      await accepted(backend, '/api/v1/admin/users/', user, headers)
      return secret
    },
  },
  'team-tasks': {
    signed: ['x-webhook-signature-256', 'sha256='],
    async go(backend, url) {
      const headers = bearer(backend.credentials.secretKey)
      const { secret } = await accepted(
        backend,
        '/v1/webhooks',
        { name: 'n', url, events: ['task.completed'] },
        headers,
      )
      await accepted(backend, '/v1/tasks', {}, headers)
      return secret
    },
  },
  'test-runs': {
    async go(backend, url) {
      const headers = bearer(backend.credentials.apiKey)
      const query = `?projectId=${backend.credentials.projectId}`
      await accepted(backend, `/webhooks${query}`, { url }, headers)
      await accepted(backend, `/runs${query}`, { outcome: 'canceled' }, headers)
      return null
    },
  },
}

/** From the start to a delivery that failed once, and to the end. */
async function journey(name: string, args: readonly string[]): Promise<void> {
  const receiver = await startReceiver()
  onTestFinished(() => receiver.close())
  const backend = await startBackend([name, '--fast', ...args])
  onTestFinished(async () => void (await backend.stop()))
  receiver.answers = [500]
  const { go, signed } = journeys[name] ?? expect.fail(`no journey for ${name}`)
  const secret = await go(backend, receiver.url)
  const tries = [await receiver.next(), await receiver.next()]
  for (const { headers, raw } of tries) {
    if (signed) expect(headers[signed[0]]).toBe(signed[1] + hmacHex(secret ?? '', raw))
    expect(JSON.stringify(headers)).not.toMatch(/posthorn/i)
  }
  expect(await backend.stop()).toBe(0)
}

/** Each from an installation's store, in turn; `POSTHORN_LONG=1` takes both for each. */
const journeysTaken = Object.keys(journeys).flatMap((name, index) =>
  (['sqlite', 'postgres'] as const)
    .filter((_, at) => process.env.POSTHORN_LONG !== undefined || at === index % 2)
    .map((store) => [name, store] as const),
)

it.each(journeysTaken)(
  '%s delivers from %s',
  async (name, store) => {
    if (store === 'postgres') {
      const { url } = await askForServer(inject('databases'), 'postgres')
      vi.stubEnv('POSTHORN_TEST_POSTGRES_URL', url ?? '')
      onTestFinished(() => void vi.unstubAllEnvs())
    }
    await journey(name, ['--store', store])
  },
  120_000,
)

describe('the command', () => {
  it('runs through npm until npm gets SIGTERM', async () => {
    const command = ['npm', 'run', '--silent', 'api', '--']
    const backend = await startBackend(['team-tasks', '--port', '0', '--store', 'memory'], command)
    await backend.stop()
    const isGone = () =>
      backend.call('GET', '/').then(
        () => false,
        () => true,
      )
    await vi.waitUntil(isGone, { timeout: 20_000 })
  }, 60_000)

  it('without --fast takes no receiver on this machine', async () => {
    const backend = await startBackend(['test-runs'])
    onTestFinished(async () => void (await backend.stop()))
    const path = `/webhooks?projectId=${backend.credentials.projectId}`
    for (const [url, status] of [
      ['http://127.0.0.1:8080/', 400],
      ['http://localhost:8080/', 400],
      ['http://receiver.example/', 201],
    ] as const)
      expect((await backend.call('POST', path, { url }, bearer(backend.credentials.apiKey))).status).toBe(
        status,
      )
  }, 60_000)

  it.each([
    [['nothing'], 'There is no backend "nothing"'],
    [['jobs-cloud', '--port', '65536'], '--port'],
    [['jobs-cloud', '--slow'], '--slow'],
  ])(
    'that is wrong (%j) says so and ends with 2',
    async (args, problem) => {
      const child = spawn(process.execPath, ['--import', 'tsx', 'examples/apis/main.ts', ...args], {
        cwd: root,
      })
      let said = ''
      child.stderr.on('data', (chunk) => {
        said += chunk
      })
      const [code] = await once(child, 'close')
      expect([code, said]).toEqual([2, expect.stringContaining(problem)])
    },
    60_000,
  )
})
