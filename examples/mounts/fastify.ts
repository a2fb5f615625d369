/** Fastify: the management API below the prefix `/webhooks`, a receiver at `/in` in a scope whose bodies stay raw. */
import fastify from 'fastify'
import { leaveBodiesAlone, toFastify, verifyWebhook } from '../../src/http/mounts/fastify.ts'
import type { Running } from './listen.ts'
import { api, secret } from './webhooks.ts'

export async function serve(): Promise<Running> {
  const app = fastify()
  app.register(toFastify(api()), { prefix: '/webhooks' })
  app.register(async (scope) => {
    leaveBodiesAlone(scope)
    scope.post('/in', async (request) => {
      const { type } = await verifyWebhook(request, { secret })
      return { type }
    })
  })
  // The rest of the application keeps its own parsers.
  app.post('/orders', async (request) => request.body)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  return { url, close: () => app.close() }
}
