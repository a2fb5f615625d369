/**
 * test-runs: collects the results of test runs for projects. Plain node:http.
 *
 *   GET    /webhooks?projectId=…   → 200 { status: "OK", data: [webhook] }
 *   POST   /webhooks?projectId=…   { url, headers?, label? }   → 201 { status: "OK", data: webhook }
 *   GET    /webhooks/{hookId}      → 200 { status: "OK", data: webhook }
 *   PUT    /webhooks/{hookId}      { url?, headers?, label? }, a partial update → 200
 *   DELETE /webhooks/{hookId}      → 200 { status: "OK", data: { hookId } }
 *   POST   /runs?projectId=…       { name?, outcome? }         → 201 { status: "OK", data: { runId } }
 *
 * To see a delivery: create a webhook, then POST /runs?projectId=… {}: RUN_START, then RUN_FINISH. With "outcome":
 * "failed" it finishes with failures, "timeout" ends in RUN_TIMEOUT, "canceled" in RUN_CANCELED.
 *
 * Where the document is silent: `status` is OK or FAILED, and FAILED comes with `error` and 400, 401, 403 (a project that is
 * not the key's) or 404; every hook gets all four events, over http or https, with a flat body that names its `event`, and
 * no signature; a failed delivery is tried again after 30 s, 5 min and 30 min; PUT changes what is named, null clears
 * `headers` and `label`. The values of headers may be credentials: they are sealed where they are kept and shown as
 * "[redacted]"; a PUT that hands in this very text keeps the value, so that nobody overwrites a secret with its mask.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { z } from 'zod'
import { checkHeaders } from '../../src/guard.ts'
import {
  anyTenant,
  createWebhooks,
  defineEvents,
  type Subscription,
  sealedSecrets,
  unsigned,
} from '../../src/index.ts'
import {
  everything,
  isReceiver,
  portOf,
  problemOf,
  Refused,
  type Running,
  refusalOf,
  type Setting,
  text,
} from './setting.ts'

const MAX_BODY = 100_000
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
/** What each outcome publishes at the end of the run. */
const ENDS = {
  passed: 'RUN_FINISH',
  failed: 'RUN_FINISH',
  timeout: 'RUN_TIMEOUT',
  canceled: 'RUN_CANCELED',
} as const

const run = z.object({ projectId: z.string(), runId: z.string(), name: z.string() })
const finished = run.extend({ status: z.enum(['passed', 'failed']), passes: z.int(), failures: z.int() })
const events = defineEvents({ RUN_START: run, RUN_FINISH: finished, RUN_TIMEOUT: run, RUN_CANCELED: run })

/** Headers as the API takes them: a JSON object of texts, written as text. */
const headersText = z
  .string()
  .max(4096)
  .transform((given, context) => {
    const parsed = jsonOf(given)
    const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
    const checked = isObject ? checkHeaders(parsed as Record<string, string>) : null
    if (!checked?.allowed) context.addIssue(checked?.reason ?? 'must be a JSON object of texts')
    return checked?.headers ?? {}
  })

function jsonOf(given: string): unknown {
  try {
    return JSON.parse(given)
  } catch {
    return undefined
  }
}

/** The body of a request as JSON; an empty one counts as `{}`. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size <= MAX_BODY) chunks.push(chunk)
  }
  // Read to its end all the same: a client that is still sending would not see the answer.
  if (size > MAX_BODY) throw new Refused(413, 'The body is too large')
  const body = jsonOf(Buffer.concat(chunks).toString() || '{}')
  if (body === undefined) throw new Refused(400, 'The body is not valid JSON')
  return body
}

function checked<Shape extends z.ZodType>(shape: Shape, input: unknown): z.output<Shape> {
  const result = shape.safeParse(input)
  if (!result.success) throw new Refused(400, problemOf(result.error))
  return result.data
}

const shown = (hook: Subscription) => ({
  hookId: hook.id,
  projectId: hook.tenantId,
  url: hook.url,
  headers: hook.headerNames.length === 0 ? null : JSON.stringify(hook.headers),
  label: hook.name,
  createdAt: hook.createdAt,
  updatedAt: hook.updatedAt,
})

export async function start(setting: Setting): Promise<Running> {
  const webhooks = createWebhooks({
    ...setting.sender,
    events,
    allowHttp: true,
    envelope: ({ type, occurredAt, data }) => ({ event: type, timestamp: occurredAt, ...(data as object) }),
    signing: unsigned(),
    retry: setting.retries(30, 300, 1800),
    gone: 'retry', // a hook cannot be switched off here, so nothing else may do it
    ids: { subscription: randomUUID },
    // A real backend keeps this key elsewhere; here everything ends with the process.
    secrets: sealedSecrets({ keys: [randomBytes(32)] }),
    userAgent: 'test-runs/1.0',
  })
  const { subscriptions } = webhooks
  const projectId = () => `proj_${randomBytes(6).toString('hex')}`
  const projects = [projectId(), projectId()]
  /** The projects of each api key. */
  const keys = new Map([
    [randomBytes(24).toString('hex'), projects],
    [randomBytes(24).toString('hex'), [projectId()]],
  ])
  const reachable = (given: string) => isReceiver(given, setting, { allowHttp: true })
  const url = z.string().max(2048).refine(reachable, 'must be an http or https URL that we can reach')
  const fields = z.object({ url, headers: headersText.nullish(), label: text(1, 255).nullish() })
  const runFields = z.object({
    name: text(1, 255).default('nightly'),
    outcome: z.enum(['passed', 'failed', 'timeout', 'canceled']).default('passed'),
  })

  async function list(tenantId: string) {
    return (await everything((page) => subscriptions.list({ tenantId, ...page }))).map(shown)
  }

  async function create(tenantId: string, body: unknown) {
    const { label, ...rest } = checked(fields, body)
    const { subscription } = await subscriptions.create({ ...rest, name: label, tenantId })
    return shown(subscription)
  }

  async function beginRun(tenantId: string, body: unknown) {
    const { name, outcome } = checked(runFields, body)
    const data = { projectId: tenantId, runId: randomUUID(), name }
    await webhooks.publish('RUN_START', data, { tenantId })
    const failures = outcome === 'failed' ? 2 : 0
    const status = failures > 0 ? ('failed' as const) : ('passed' as const)
    const end = ENDS[outcome]
    if (end === 'RUN_FINISH')
      await webhooks.publish(end, { ...data, status, passes: 10 - failures, failures }, { tenantId })
    else await webhooks.publish(end, data, { tenantId })
    return { runId: data.runId }
  }

  /** A hook by its id, which is unique over all projects, if it is in one of the key's. */
  async function find(id: string, owned: readonly string[]): Promise<Subscription> {
    if (!UUID.test(id)) throw new Refused(400, 'hookId must be a UUID')
    const hook = await subscriptions.get(id.toLowerCase(), { tenantId: anyTenant })
    if (!owned.includes(hook.tenantId)) throw new Refused(404, 'Webhook not found')
    return hook
  }

  async function update({ id, tenantId }: Subscription, body: unknown) {
    const { label, ...rest } = checked(fields.partial(), body)
    return shown(await subscriptions.update(id, { ...rest, name: label }, { tenantId }))
  }

  /** The routes. Returns the status and the data of the answer. */
  async function answer(request: IncomingMessage): Promise<readonly [status: number, data: unknown]> {
    const owned = keys.get(/^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '')
    if (owned === undefined) throw new Refused(401, 'A valid api key is required')
    const { pathname, searchParams } = new URL(`http://localhost${request.url}`)
    const [, collection, id, ...rest] = pathname.replace(/\/$/, '').split('/')
    const route = `${request.method} /${collection}${id === undefined ? '' : '/:id'}`
    const project = () => {
      const given = searchParams.get('projectId')
      if (!given) throw new Refused(400, 'projectId is required')
      if (!owned.includes(given)) throw new Refused(403, 'The project is not yours')
      return given
    }
    if (rest.length > 0) throw new Refused(404, 'No such route')
    if (route === 'GET /webhooks') return [200, await list(project())]
    if (route === 'POST /webhooks') return [201, await create(project(), await bodyOf(request))]
    if (route === 'POST /runs') return [201, await beginRun(project(), await bodyOf(request))]
    if (route === 'GET /webhooks/:id') return [200, shown(await find(id ?? '', owned))]
    if (route === 'PUT /webhooks/:id')
      return [200, await update(await find(id ?? '', owned), await bodyOf(request))]
    if (route === 'DELETE /webhooks/:id') {
      const hook = await find(id ?? '', owned)
      await subscriptions.delete(hook.id, { tenantId: hook.tenantId })
      return [200, { hookId: hook.id }]
    }
    throw new Refused(404, 'No such route')
  }

  function refusal(error: unknown): readonly [status: number, error: string] {
    const refused = refusalOf(error, 'Webhook', { name: 'label' })
    return [
      refused?.status ?? 500,
      [refused?.field, refused?.message ?? 'Internal error'].filter(Boolean).join(' '),
    ]
  }

  const server = createServer(async (request, response) => {
    const [status, body] = await answer(request).then(
      ([code, data]) => [code, { status: 'OK', data }] as const,
      (error) => [refusal(error)[0], { status: 'FAILED', error: refusal(error)[1] }] as const,
    )
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  })
  await webhooks.start()
  server.listen(setting.port, '127.0.0.1')
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject))
  const [[apiKey], [otherKey, [otherProject] = []] = []] = [...keys] as [
    [string, string[]],
    [string, string[]],
  ]
  return {
    port: portOf(server),
    credentials: {
      apiKey,
      projectId: projects[0],
      other: { projectId: projects[1], foreign: { apiKey: otherKey, projectId: otherProject } },
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await webhooks.stop()
    },
  }
}
