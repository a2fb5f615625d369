/** Koa: the management API below `/webhooks`, a receiver at `/in`. */
import Koa from 'koa'
import { toKoa, verifyWebhook } from '../../src/http/mounts/koa.ts'
import { listen, type Running } from './listen.ts'
import { api, secret } from './webhooks.ts'

export function serve(): Promise<Running> {
  const app = new Koa()
  app.silent = true
  app.use(toKoa(api(), { path: '/webhooks' }))
  app.use(async (context) => {
    if (context.path !== '/in') return
    const { type } = await verifyWebhook(context, { secret })
    context.body = { type }
  })
  return listen(app.callback())
}
