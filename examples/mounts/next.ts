/** Next.js: what `app/api/webhooks/[...path]/route.ts` and `app/in/route.ts` export, served here by a server of Node. */
import { getRequestListener } from '@hono/node-server'
import { toNext, verifyWebhook } from '../../src/http/mounts/next.ts'
import { listen, type Running } from './listen.ts'
import { api, secret } from './webhooks.ts'

// app/api/webhooks/[...path]/route.ts: export const { GET, POST, PATCH, DELETE } = toNext(api('/webhooks'))
const manage = toNext(api('/webhooks'))

// app/in/route.ts: export async function POST(request: Request) { … }
async function receive(request: Request): Promise<Response> {
  try {
    const { type } = await verifyWebhook(request, { secret })
    return Response.json({ type })
  } catch {
    return new Response(null, { status: 400 })
  }
}

/** Next itself chooses the file by the path, and the export by the method. */
export function serve(): Promise<Running> {
  return listen(
    getRequestListener((request) => {
      if (new URL(request.url).pathname === '/in') return receive(request)
      const route = manage[request.method as keyof typeof manage]
      return route(request)
    }),
  )
}
