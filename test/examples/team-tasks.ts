/** A running team-tasks with a fresh receiver for each test, and no webhooks left from the test before. */
import { afterEach, expect } from 'vitest'
import type { Json } from './backend.ts'
import { useBackend } from './session.ts'

export function teamTasks() {
  const { backend, receiver } = useBackend('team-tasks', '--fast')
  const session = (): Record<string, string> => ({
    authorization: `Bearer ${backend.credentials.token}`,
    'x-team-id': backend.credentials.teamId,
  })
  const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = session()) =>
    backend.call(method, `/v1/${path}`, body, headers)

  afterEach(async () => {
    for (const { id } of (await call('GET', 'webhooks')).body.webhooks) await call('DELETE', `webhooks/${id}`)
  })

  /** Creates a webhook and reads its details. */
  async function create(fields: object = {}, headers = session()): Promise<Json> {
    const both = ['task.completed', 'task.failed']
    const made = { name: 'Notifier', url: receiver.url, events: both, ...fields }
    const { status, body } = await call('POST', 'webhooks', made, headers)
    expect(status).toBe(201)
    return (await call('GET', `webhooks/${body.id}`, undefined, headers)).body
  }

  return { backend, receiver, call, create, session }
}
