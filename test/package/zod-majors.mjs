// What an application does with zod, in an empty project with one major of it: `node zod-majors.mjs`.
import { createWebhooks, defineEvents } from 'posthorn'
import { openApi } from 'posthorn/http'
import { memoryStore } from 'posthorn/memory'
import { z } from 'zod'
import * as z4 from 'zod/v4'

for (const own of [z, z4]) {
  const schema = own.object({ orderId: own.string(), kind: own.enum(['new', 'old']) })
  const events = defineEvents({ 'order.paid': schema })
  const webhooks = createWebhooks({ store: memoryStore(), events })
  const publish = (data) => webhooks.publish('order.paid', data, { tenantId: 'acme' })
  const { id } = await publish({ orderId: 'o-1', kind: 'new' })
  const refused = await publish({ orderId: 'o-1', kind: 'xyz' }).catch((error) => error)
  const said = JSON.stringify(refused.issues).includes('xyz') ? 'quotes the value' : 'quotes nothing'
  const document = openApi({ catalog: events }, { title: 'Acme webhooks' })
  console.log(id.slice(0, 4), refused.code, said, Object.keys(document.webhooks).join())
  await webhooks.stop()
}
try {
  createWebhooks({ store: memoryStore(), concurency: 5 })
} catch (error) {
  console.log(error.code)
}
