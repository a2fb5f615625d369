/**
 * workflows: runs workflows for organisations and tells their systems about each step. Fastify, REST.
 *
 *   POST   /webhooks            { name, url, event_types, secret?, headers? }    → 201 the subscription
 *   GET    /webhooks            → 200 all subscriptions
 *   GET    /webhooks/:id        → 200
 *   PATCH  /webhooks/:id        { name?, url?, event_types?, secret?, headers?, active? } → 200
 *   DELETE /webhooks/:id        → 204
 *   POST   /webhooks/:id/test   → 200 { event_type }, and workflow.completed is sent
 *   GET    /webhooks/:id/logs   ?limit=50&skip=0                                 → 200 one entry per attempt, newest first
 *   GET    /webhooks/logs/all   ?event_type=…&limit=50&skip=0
 *   POST   /workflows/:id/run   { steps?, fail_at? }                             → 202 { execution_id }
 *
 * To see a delivery: create a webhook, then POST /workflows/demo/run {} (two steps), with { "fail_at": "fetch" } to fail.
 *
 * Where the document is silent: `authorization: Bearer <api key>`; the organisation's header is `x-organization-id`, and one
 * that the caller is no member of answers 403; errors are { error: { message, field } } with 400, 401, 403 or 404; limit is
 * 1 to 1000; the signature is hexadecimal; a body is { event, organization_id, timestamp, data }; a failed delivery is tried
 * again after 10 s, 1 min, 5 min, 30 min and 2 h; a test goes out even if the webhook is inactive or wants other events;
 * secret: null ends signing, headers: null removes them; secrets and headers are never shown.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import fastify, { type FastifyRequest } from 'fastify'
import { z } from 'zod'
import { checkHeaders } from '../../src/guard.ts'
import {
  type Attempt,
  createWebhooks,
  defineEvents,
  hmac,
  type Subscription,
  unsigned,
} from '../../src/index.ts'
import {
  everything,
  isActive,
  isHttpsReceiver,
  portOf,
  Refused,
  type Running,
  refusalOf,
  type Setting,
  switchTo,
} from './setting.ts'

const HEADER = 'x-organization-id'
const NO_ROUTE = { error: { message: 'No such route', field: null } }
const run = z.object({ workflow_id: z.string(), execution_id: z.string(), error: z.string().nullable() })
const step = run.extend({ step: z.string() })
const workflow = run.meta({ examples: [{ workflow_id: 'test', execution_id: 'test', error: null }] })
const events = defineEvents({
  'workflow.started': workflow,
  'workflow.completed': workflow,
  'workflow.failed': workflow,
  'workflow.step.started': step,
  'workflow.step.completed': step,
  'workflow.step.failed': step,
})
type Fields = {
  name: string
  url: string
  event_types: (keyof typeof events.schemas)[]
  secret?: string | null
  headers?: Record<string, string> | null
}
const properties = {
  name: { type: 'string', minLength: 1, maxLength: 255 },
  url: { type: 'string', maxLength: 2048 },
  event_types: { type: 'array', minItems: 1, items: { enum: events.types } },
  secret: { type: ['string', 'null'], minLength: 1, maxLength: 255 },
  headers: { type: ['object', 'null'], additionalProperties: { type: 'string' } },
}
const update = { type: 'object', properties: { ...properties, active: { type: 'boolean' } } }
const create = { type: 'object', properties, required: ['name', 'url', 'event_types'] }
const steps = { type: 'array', maxItems: 20, items: { type: 'string', pattern: '^[\\w-]{1,64}$' } }
const runBody = { type: 'object', properties: { steps, fail_at: { type: 'string' } } }
const limit = { type: 'string', pattern: '^([1-9]\\d{0,2}|1000)$' }
const skip = { type: 'string', pattern: '^\\d{1,9}$' }
const querystring = { type: 'object', properties: { limit, skip, event_type: { enum: events.types } } }

type LogQuery = { [key in 'limit' | 'skip' | 'event_type']?: string }
type One = { Params: { id: string } }
type Log = One & { Querystring: LogQuery }
type Violation = { instancePath: string; message?: string; params: { missingProperty?: string } }
type Problem = { statusCode?: number; message: string; validation?: Violation[] }

export async function start(setting: Setting): Promise<Running> {
  const webhooks = createWebhooks({
    ...setting.sender,
    events,
    envelope: ({ type, tenantId, occurredAt: timestamp, data }) => {
      return { event: type, organization_id: tenantId, timestamp, data }
    },
    signing: hmac({ header: 'X-Webhook-Signature' }),
    retry: setting.retries(10, 60, 300, 1800, 7200),
    ids: { subscription: randomUUID, attempt: randomUUID },
    userAgent: 'workflows/1.0',
  })
  const { subscriptions } = webhooks
  const apiKey = `wf_${randomBytes(20).toString('hex')}`
  const organizations = [randomUUID(), randomUUID()] as const

  /** The organisation that a request is about. */
  function own({ headers }: FastifyRequest): { readonly tenantId: string } {
    const given = headers[HEADER]
    const tenantId = organizations.find((id) => id === (given || organizations[0]))
    if (tenantId === undefined) throw new Refused(403, 'You are no member of this organization')
    return { tenantId }
  }

  const shown = (subscription: Subscription) => ({
    id: subscription.id,
    name: subscription.name,
    url: subscription.url,
    event_types: subscription.events,
    active: isActive(subscription),
    created_at: subscription.createdAt,
    updated_at: subscription.updatedAt,
  })

  const logEntry = (attempt: Attempt) => ({
    id: attempt.id,
    subscription_id: attempt.subscriptionId,
    event_type: attempt.eventType,
    attempt: attempt.number,
    success: attempt.outcome === 'succeeded',
    status_code: attempt.status,
    error: attempt.message,
    response_body: attempt.excerpt,
    duration_ms: Math.round(attempt.durationMs),
    created_at: attempt.startedAt,
  })

  /** A webhook without a secret is not signed; with one, by the scheme of all. */
  function fieldsOf({ name, url, event_types, secret, headers }: Partial<Fields>) {
    if (url !== undefined && !isHttpsReceiver(url, setting))
      throw new Refused(400, 'must be an https URL that we can reach', 'url')
    const { reason } = checkHeaders(headers ?? {})
    if (reason !== null) throw new Refused(400, reason, 'headers')
    const signing = secret ? { secret, signing: null } : secret === null ? { signing: unsigned() } : {}
    return { name, url, events: event_types, headers, ...signing }
  }

  async function logs(owner: { tenantId: string; subscriptionId?: string }, query: LogQuery) {
    const page = { limit: Number(query.limit ?? 50), offset: Number(query.skip ?? 0) }
    const { items } = await webhooks.attempts.list({ ...owner, ...page, type: query.event_type })
    return items.map(logEntry)
  }

  const customOptions = { coerceTypes: false, removeAdditional: false, allowUnionTypes: true }
  // A path that cannot be read is answered before any handler of ours.
  const frameworkErrors = (_error: unknown, _request: unknown, { raw }: { raw: ServerResponse }) =>
    void raw.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify(NO_ROUTE))
  const routerOptions = { ignoreTrailingSlash: true }
  const app = fastify({ ajv: { customOptions }, routerOptions, frameworkErrors })
  const parse = app.getDefaultJsonParser('error', 'error')
  // Clients may say JSON and send nothing, for example to /test.
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, text, done) =>
    parse(request, String(text) || '{}', done),
  )
  app.addHook('onRequest', async ({ headers }) => {
    if (/^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1] !== apiKey)
      throw new Refused(401, 'A valid bearer api key is required')
  })

  app.post<{ Body: Fields }>('/webhooks', { schema: { body: create } }, async (request, reply) => {
    const { url } = request.body
    const fields = fieldsOf({ ...request.body, secret: request.body.secret ?? null })
    const { subscription } = await subscriptions.create({ ...fields, url, ...own(request) })
    return reply.code(201).send(shown(subscription))
  })
  app.get('/webhooks', async (request) => {
    const all = await everything((page) => subscriptions.list({ ...own(request), ...page }))
    return all.map(shown)
  })
  app.get<Log>('/webhooks/logs/all', { schema: { querystring } }, (request) =>
    logs(own(request), request.query),
  )
  app.get<One>('/webhooks/:id', async (request) =>
    shown(await subscriptions.get(request.params.id, own(request))),
  )
  app.patch<One & { Body: Partial<Fields> & { active?: boolean } }>(
    '/webhooks/:id',
    { schema: { body: update } },
    async (request) => {
      const { id } = request.params
      const { active } = request.body
      const updated = await subscriptions.update(id, fieldsOf(request.body), own(request))
      return shown(active === undefined ? updated : await switchTo(active, subscriptions, id, own(request)))
    },
  )
  app.delete<One>('/webhooks/:id', async (request, reply) => {
    await subscriptions.delete(request.params.id, own(request))
    return reply.code(204).send()
  })
  app.post<One>('/webhooks/:id/test', async (request) => {
    await subscriptions.test(request.params.id, { ...own(request), type: 'workflow.completed' })
    return { event_type: 'workflow.completed' }
  })
  app.get<Log>('/webhooks/:id/logs', { schema: { querystring } }, async (request) => {
    const { id } = await subscriptions.get(request.params.id, own(request))
    return logs({ ...own(request), subscriptionId: id }, request.query)
  })

  app.post<One & { Body: { steps?: string[]; fail_at?: string } }>(
    '/workflows/:id/run',
    { schema: { body: runBody } },
    async (request, reply) => {
      const { steps = ['fetch', 'summarise'], fail_at } = request.body
      const options = own(request)
      const data = { workflow_id: request.params.id, execution_id: randomUUID(), error: null }
      const ended = steps.includes(fail_at ?? '') ? 'failed' : 'completed'
      await webhooks.publish('workflow.started', data, options)
      for (const step of steps) {
        await webhooks.publish('workflow.step.started', { ...data, step }, options)
        const error = step === fail_at ? 'The step threw' : null
        const type = `workflow.step.${error ? 'failed' : 'completed'}` as const
        await webhooks.publish(type, { ...data, step, error }, options)
        if (error) break
      }
      const error = ended === 'failed' ? `Step "${fail_at}" failed` : null
      await webhooks.publish(`workflow.${ended}`, { ...data, error }, options)
      return reply.code(202).send({ execution_id: data.execution_id })
    },
  )

  app.setNotFoundHandler((_request, reply) => reply.code(404).send(NO_ROUTE))
  app.setErrorHandler((error: Problem, _request, reply) => {
    const [problem] = error.validation ?? []
    const refused = refusalOf(error, 'Webhook subscription', { events: 'event_types' })
    const status = refused?.status ?? error.statusCode ?? 500
    const place = problem?.params.missingProperty ?? problem?.instancePath.split('/')[1]
    const message = refused?.message ?? problem?.message ?? (status < 500 ? error.message : 'Internal error')
    return reply.code(status).send({ error: { message, field: refused?.field ?? (place || null) } })
  })

  await webhooks.start()
  await app.listen({ port: setting.port, host: '127.0.0.1' })
  const [organizationId, otherId] = organizations
  return {
    port: portOf(app.server),
    credentials: { apiKey, organizationId, organizationHeader: HEADER, other: { organizationId: otherId } },
    async close() {
      app.server.closeAllConnections()
      await app.close()
      await webhooks.stop()
    },
  }
}
