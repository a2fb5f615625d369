/** A running jobs-cloud with a fresh receiver for each test, and no endpoints left from the test before. */
import { afterEach, expect } from 'vitest'
import { useBackend } from './session.ts'

export function jobsCloud() {
  const { backend, receiver } = useBackend('jobs-cloud', '--fast')
  const post = (path: string, body?: unknown, apiKey: string = backend.credentials.apiKey) =>
    backend.call('POST', `/v1/${path}`, body, { 'x-api-key': apiKey })

  afterEach(async () => {
    const { body } = await post('webhooks/list')
    for (const { webhook_endpoint_id: id } of body.webhook_endpoints) await post('webhooks/delete', { id })
  })

  async function endpoint(fields: object = {}): Promise<string> {
    const secret = { signing_secret: 'stored-secret' }
    const { status, body } = await post('webhooks/create', { url: receiver.url, ...secret, ...fields })
    expect(status).toBe(200)
    return body.webhook_endpoint_id
  }

  return { backend, receiver, post, endpoint }
}
