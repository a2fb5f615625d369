/** Hono: the management API at `/webhooks/*`, a receiver at `/in`. */
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { toHono, verifyWebhook } from '../../src/http/mounts/hono.ts'
import { listen, type Running } from './listen.ts'
import { api, secret } from './webhooks.ts'

export function serve(): Promise<Running> {
  const app = new Hono()
  app.all('/webhooks/*', toHono(api()))
  app.post('/in', async (c) => {
    const { type } = await verifyWebhook(c, { secret })
    return c.json({ type })
  })
  return listen(getRequestListener(app.fetch))
}
