/** Express 5: the management API at `/webhooks`, a receiver at `/in`. Body parsers may run before both. */
import express from 'express'
import { keepRawBody, toExpress, verifyWebhook } from '../../src/http/mounts/express.ts'
import { listen, type Running } from './listen.ts'
import { api, secret } from './webhooks.ts'

export function serve(): Promise<Running> {
  const app = express()
  app.use(express.json({ verify: keepRawBody }))
  app.use('/webhooks', toExpress(api()))
  app.post('/in', async (request, response) => {
    const { type } = await verifyWebhook(request, { secret })
    response.json({ type })
  })
  return listen(app)
}
