/** Express 4: as Express 5, but errors of a promise have to be handed on. */
import express from 'express4'
import { toExpress, verifyWebhook } from '../../src/http/mounts/express.ts'
import { listen, type Running } from './listen.ts'
import { api, secret } from './webhooks.ts'

export function serve(): Promise<Running> {
  const app = express()
  app.use('/webhooks', toExpress(api()))
  app.post('/in', (request, response, next) => {
    verifyWebhook(request, { secret })
      .then(({ type }) => response.json({ type }))
      .catch(next)
  })
  return listen(app)
}
