/** A running workflows with a fresh receiver for each test, and no webhooks left from the test before. */
import { afterEach, expect, vi } from 'vitest'
import type { Json } from './backend.ts'
import { useBackend } from './session.ts'

export function workflows() {
  const { backend, receiver } = useBackend('workflows', '--fast')
  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
    backend.call(method, path, body, {
      authorization: `Bearer ${backend.credentials.apiKey}`,
      ...headers,
    })

  afterEach(async () => {
    for (const { id } of (await call('GET', '/webhooks')).body) await call('DELETE', `/webhooks/${id}`)
  })

  async function create(fields: object = {}, headers: Record<string, string> = {}): Promise<Json> {
    const made = { name: 'CI', url: receiver.url, event_types: ['workflow.completed'], ...fields }
    const { status, body } = await call('POST', '/webhooks', made, headers)
    expect(status).toBe(201)
    return body
  }

  /** Waits until the log holds what was done. */
  async function logs(path: string, isThere: (entries: Json[]) => boolean): Promise<Json[]> {
    const look = async () => {
      const { body } = await call('GET', path)
      return isThere(body) && body
    }
    return vi.waitUntil(look, { timeout: 20_000 })
  }

  return { backend, receiver, call, create, logs }
}
