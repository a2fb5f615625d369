/** Plain node:http: the management API below `/webhooks`, a receiver at `/in`. */
import { toNode, verifyWebhook } from '../../src/http/mounts/node.ts'
import { listen, type Running } from './listen.ts'
import { api, secret } from './webhooks.ts'

export function serve(): Promise<Running> {
  const manage = toNode(api('/webhooks'))
  return listen(async (request, response) => {
    if (request.url?.startsWith('/webhooks/')) return manage(request, response)
    try {
      const { type } = await verifyWebhook(request, { secret })
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ type }))
    } catch (error) {
      const { status = 500 } = error as { status?: number }
      response.writeHead(status).end()
    }
  })
}
