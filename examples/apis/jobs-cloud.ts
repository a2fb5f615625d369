/**
 * jobs-cloud: runs browser jobs for tenants and reports their results by webhook. Express, POST-only RPC routes.
 *
 *   POST /v1/webhooks/create    { url, signing_secret, description?, active? }   → { success, webhook_endpoint_id, message }
 *   POST /v1/webhooks/list      {}                                               → { success, webhook_endpoints }
 *   POST /v1/webhooks/update    { id, url?, signing_secret?, description?, active? } → { success, message }
 *   POST /v1/webhooks/delete    { id }                                           → { success, message }
 *   POST /v1/jobs/create        { workflow, deployment_id?, callback_url?, callback_secret?, skip_callbacks?, simulate? }
 *   POST /v1/jobs/get           { id }
 *   POST /v1/schedules/create   as jobs/create, and interval_seconds             → { success, schedule_id, message }
 *   POST /v1/schedules/delete   { id } → { success, message }
 *
 * To see a delivery: store an endpoint, then POST /v1/jobs/create { "workflow": "checkout" }, with "simulate": "failed"
 * for a job that fails. A schedule runs at once and then every interval.
 *
 * Where the document is silent: every call answers 200, or { success: false, message } with 400, 401, 404; the signature
 * is hexadecimal; a failed delivery is tried again after 5 s, 30 s, 2 min, 10 min and 1 h; a changed signing_secret
 * signs alone at once; an endpoint that is inactive misses what happens meanwhile, and null clears a description.
 * `callback_url` without `callback_secret`, or the other way round, is no per-job callback: "if a job has both". The
 * document lists `skip_callbacks` last but says that nothing is delivered then: read as overriding the other two.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import express, { type ErrorRequestHandler } from 'express'
import { z } from 'zod'
import { createWebhooks, defineEvents, hmac, type Subscription } from '../../src/index.ts'
import {
  everything,
  isActive,
  isReceiver,
  portOf,
  problemOf,
  Refused,
  type Running,
  refusalOf,
  type Setting,
  switchTo,
  text,
} from './setting.ts'

const hex = (bytes: number) => randomBytes(bytes).toString('hex')

const payload = z.object({
  event: z.enum(['job.completed', 'job.failed']),
  job_id: z.string(),
  nonce: z.string(),
  workflow: z.string(),
  deployment_id: z.string().nullable(),
  status: z.enum(['completed', 'failed']),
  result: z.unknown(),
  error: z.string().nullable(),
  mapped_stack: z.string().nullable(),
})

interface Job {
  readonly tenant: string
  readonly request: JobRequest
  status: 'running' | 'completed' | 'failed'
}

export async function start(setting: Setting): Promise<Running> {
  const webhooks = createWebhooks({
    ...setting.sender,
    events: defineEvents({ 'job.completed': payload, 'job.failed': payload }),
    envelope: ({ data }) => data,
    signing: hmac({ header: 'x-webhook-signature', eventHeader: 'x-event-type' }),
    retry: setting.retries(5, 30, 120, 600, 3600),
    ids: { subscription: () => `wh_${hex(12)}` },
    userAgent: 'jobs-cloud/1.0',
  })
  const tenants = new Map(['acme', 'globex'].map((tenant) => [`lk_${hex(16)}`, tenant]))
  const jobs = new Map<string, Job>()
  const timers = new Map<string, NodeJS.Timeout>()
  const fields = fieldsFor(setting)

  function begin(tenant: string, request: JobRequest): string {
    const id = randomUUID()
    const job: Job = { tenant, request, status: 'running' }
    jobs.set(id, job)
    timers.set(
      id,
      setTimeout(() => void finish(id, job), 20),
    )
    return id
  }

  async function finish(job_id: string, job: Job): Promise<void> {
    timers.delete(job_id)
    const { workflow, deployment_id, callback_url: url, callback_secret: secret } = job.request
    const status = job.request.simulate
    const failed = status === 'failed'
    job.status = status
    const event = `job.${status}` as const
    const outcome = {
      result: failed ? null : { pages_visited: 3 },
      error: failed ? 'Selector "#pay" was not found' : null,
      mapped_stack: failed ? `at pay (${workflow}.ts:42:7)` : null,
    }
    const body = { event, job_id, nonce: hex(16), workflow, deployment_id, status, ...outcome }
    await webhooks.publish(event, body, {
      tenantId: job.tenant,
      idempotencyKey: job_id,
      skip: job.request.skip_callbacks,
      ...(url && secret ? { to: { url, secret } } : {}),
    })
  }

  const shown = (endpoint: Subscription) => ({
    webhook_endpoint_id: endpoint.id,
    url: endpoint.url,
    description: endpoint.description,
    active: isActive(endpoint),
    created_at: endpoint.createdAt,
    updated_at: endpoint.updatedAt,
  })

  const app = express().disable('x-powered-by')
  app.use((request, response, next) => {
    const tenant = tenants.get(request.get('x-api-key') ?? '')
    if (tenant === undefined) throw new Refused(401, 'A valid x-api-key header is required')
    response.locals.tenant = tenant
    next()
  })
  app.use(express.json())
  /** One RPC route: checks the body, answers 200 with what the handler returns. */
  function rpc<Body extends z.ZodType>(
    path: string,
    body: Body,
    handle: (tenantId: string, input: z.output<Body>) => object | Promise<object>,
  ) {
    app.post(`/v1/${path}`, async (request, response) => {
      const checked = body.safeParse(request.body ?? {})
      if (!checked.success) throw new Refused(400, problemOf(checked.error))
      response.json({ success: true, ...(await handle(response.locals.tenant, checked.data)) })
    })
  }

  rpc('webhooks/create', fields.create, async (tenantId, { url, signing_secret, description, active }) => {
    const fields = {
      url,
      description,
      secret: signing_secret,
      state: active ? 'active' : 'disabled',
    } as const
    const { subscription } = await webhooks.subscriptions.create({ tenantId, ...fields })
    return { webhook_endpoint_id: subscription.id, message: 'Webhook endpoint created' }
  })
  rpc('webhooks/list', z.looseObject({}), async (tenantId) => {
    const endpoints = await everything((page) => webhooks.subscriptions.list({ tenantId, ...page }))
    return { webhook_endpoints: endpoints.map(shown) }
  })
  rpc('webhooks/update', fields.update, async (tenantId, { id, active, signing_secret, ...changes }) => {
    const own = { tenantId }
    await webhooks.subscriptions.update(id, { ...changes, secret: signing_secret }, own)
    if (active !== undefined) await switchTo(active, webhooks.subscriptions, id, own)
    return { message: 'Webhook endpoint updated' }
  })
  rpc('webhooks/delete', fields.id, async (tenantId, { id }) => {
    await webhooks.subscriptions.delete(id, { tenantId })
    return { message: 'Webhook endpoint deleted' }
  })
  rpc('jobs/create', fields.job, (tenant, request) => ({
    job_id: begin(tenant, request),
    message: 'Job created',
  }))
  rpc('jobs/get', fields.id, (tenant, { id }) => {
    const job = jobs.get(id)
    if (job?.tenant !== tenant) throw new Refused(404, 'Job not found')
    return { job_id: id, workflow: job.request.workflow, status: job.status }
  })
  rpc('schedules/create', fields.schedule, (tenant, { interval_seconds, ...request }) => {
    const schedule_id = `${tenant}-${randomUUID()}`
    timers.set(
      schedule_id,
      setInterval(() => begin(tenant, request), interval_seconds * 1000),
    )
    return { schedule_id, job_id: begin(tenant, request), message: 'Schedule created' }
  })
  rpc('schedules/delete', fields.id, (tenant, { id }) => {
    if (!id.startsWith(`${tenant}-`) || !timers.has(id)) throw new Refused(404, 'Schedule not found')
    clearInterval(timers.get(id))
    timers.delete(id)
    return { message: 'Schedule deleted' }
  })
  app.use(() => {
    throw new Refused(404, 'No such route: every route is a POST under /v1')
  })
  app.use(answerError)

  await webhooks.start()
  const server = app.listen(setting.port, '127.0.0.1')
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject))
  const [apiKey, otherKey] = tenants.keys()
  return {
    port: portOf(server),
    credentials: { apiKey, other: { apiKey: otherKey } },
    async close() {
      for (const timer of timers.values()) clearTimeout(timer)
      server.closeAllConnections()
      server.close()
      await webhooks.stop()
    },
  }
}

type JobRequest = z.output<ReturnType<typeof fieldsFor>['job']>

function fieldsFor(setting: Setting) {
  const url = z
    .string()
    .refine((given) => isReceiver(given, setting), 'must be an https URL that we can reach')
  const secret = text(1, 255)
  const job = z.object({
    workflow: text(1, 255),
    deployment_id: text(1, 255).nullable().default(null),
    callback_url: url.nullish(),
    callback_secret: secret.nullish(),
    skip_callbacks: z.boolean().default(false),
    simulate: z.enum(['completed', 'failed']).default('completed'),
  })
  const id = z.object({ id: z.string() })
  const rest = { description: text(0, 1000).nullish(), active: z.boolean() }
  return {
    id,
    job,
    schedule: job.extend({ interval_seconds: z.int().min(1).max(86_400) }),
    create: z.object({ url, signing_secret: secret, ...rest, active: rest.active.default(true) }),
    update: z
      .object({ url, signing_secret: secret, ...rest })
      .partial()
      .extend(id.shape),
  }
}

const answerError: ErrorRequestHandler = (error, _request, response, _next) => {
  const refused = refusalOf(error, 'Webhook endpoint', { secret: 'signing_secret' })
  // The JSON parser's own errors (broken, too large) carry their status.
  const status = refused?.status ?? (error?.expose === true ? error.status : 500)
  const known = { 400: 'The body is not valid JSON', 413: 'The body is too large' }[status as 400]
  const problem = known ?? (status < 500 ? 'The request cannot be read' : 'Internal error')
  const message = refused === null ? problem : [refused.field, refused.message].filter(Boolean).join(' ')
  response.status(status).json({ success: false, message })
}
