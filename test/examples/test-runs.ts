/** A running test-runs with a fresh receiver for each test, and no webhooks left from the test before. */
import { afterEach, expect } from 'vitest'
import type { Json } from './backend.ts'
import { useBackend } from './session.ts'

export function testRuns() {
  const { backend, receiver } = useBackend('test-runs', '--fast')
  const call = (method: string, path: string, body?: unknown, key: string = backend.credentials.apiKey) =>
    backend.call(method, path, body, { authorization: `Bearer ${key}` })
  const hooks = (projectId = backend.credentials.projectId) => `/webhooks?projectId=${projectId}`

  afterEach(async () => {
    for (const { hookId } of (await call('GET', hooks())).body.data)
      await call('DELETE', `/webhooks/${hookId}`)
  })

  async function create(fields: object = {}, path = hooks()): Promise<Json> {
    const { status, body } = await call('POST', path, { url: receiver.url, ...fields })
    expect([status, body.status]).toEqual([201, 'OK'])
    return body.data
  }

  const run = (fields: object = {}) =>
    call('POST', `/runs?projectId=${backend.credentials.projectId}`, fields)

  return { backend, receiver, call, hooks, create, run }
}
