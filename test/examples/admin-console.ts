/** A running admin-console with a fresh receiver for each test, and no webhooks left from the test before. */
import { afterEach, expect, vi } from 'vitest'
import type { Json } from './backend.ts'
import { useBackend } from './session.ts'

export const BASE = '/api/v1/admin/webhooks'

export function adminConsole() {
  const { backend, receiver } = useBackend('admin-console', '--fast')
  const call = (method: string, path: string, body?: unknown, token: string = backend.credentials.token) =>
    backend.call(method, path, body, { authorization: `Bearer ${token}` })

  afterEach(async () => {
    const { body } = await call('GET', `${BASE}/?per_page=100`)
    for (const { id } of body.items) await call('DELETE', `${BASE}/${id}`)
  })

  async function create(fields: object = {}): Promise<Json> {
    const made = { url: receiver.url, events: ['user.created'], tenant_id: 'acme', ...fields }
    const { status, body } = await call('POST', `${BASE}/`, made)
    expect(status).toBe(201)
    return body
  }

  const addUser = async (tenant_id = 'acme', email = 'ada@example.com'): Promise<Json> => {
    const { status, body } = await call('POST', '/api/v1/admin/users/', { tenant_id, email })
    expect(status).toBe(201)
    return body
  }

  /** Waits until the deliveries of a webhook are as they should be. */
  function deliveries(id: string, isThere: (items: Json[]) => boolean, query = ''): Promise<Json[]> {
    const look = async () => {
      const { body } = await call('GET', `${BASE}/${id}/deliveries${query}`)
      return isThere(body.items) && body.items
    }
    return vi.waitUntil(look, { timeout: 25_000 })
  }

  return { backend, receiver, call, create, addUser, deliveries }
}
