/**
 * team-tasks: runs image tasks for teams and reports how they ended. NestJS.
 *
 *   POST   /v1/webhooks        { name, url, events }       → 201 { id, secret }
 *   GET    /v1/webhooks                                    → 200 { webhooks } without secrets
 *   GET    /v1/webhooks/{id}                               → 200 with `secret`
 *   PATCH  /v1/webhooks/{id}   { name?, url?, events? }    → 200 { id }
 *   DELETE /v1/webhooks/{id}                               → 204
 *   POST   /v1/tasks           { simulate? }               → 202 { id }; simulate: completed, failed, timeout, agent_disconnect
 *   GET    /v1/tasks/{id}                                  → 200 { id, status }
 *
 * Who asks: a session JWT as `Authorization: Bearer …` with `X-Team-ID`, or an `sk-` or `dk-` credential as bearer token,
 * whose team is its own whatever X-Team-ID says. To see a delivery: create a webhook, then POST /v1/tasks {}.
 *
 * The document contradicts itself twice. Its header says that creating "returns the webhook ID and a signing secret", its
 * body that the secret is "returned in the webhook detail response": read as both, so that neither reader is let down.
 * "Retried up to 4 times … immediate → 5s → 30s → 2min" is read as four retries after the first try, at these waits.
 * Where it is silent: the path, the routes besides create, errors as NestJS makes them ({ statusCode, message }, 400, 401,
 * 403, 404), a team that the user is not in (403); a failed task has an empty output; a webhook gets at most 15 s to answer.
 */
import { randomBytes } from 'node:crypto'
import {
  type ArgumentsHost,
  Body,
  type CanActivate,
  Catch,
  Controller,
  Delete,
  Get,
  HttpCode,
  HttpException,
  Inject,
  Module,
  Param,
  Patch,
  Post,
  Req,
} from '@nestjs/common'
import { BaseExceptionFilter, NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { jwtVerify, SignJWT } from 'jose'
import { uuidv7 } from 'uuidv7'
import { z } from 'zod'
import { createWebhooks, defineEvents, hmac, type Subscription } from '../../src/index.ts'
import {
  everything,
  isHttpsReceiver,
  portOf,
  problemOf,
  Refused,
  type Running,
  refusalOf,
  type Setting,
  text,
} from './setting.ts'

const PARTS = Symbol('parts')
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const ERRORS = {
  completed: '',
  failed: 'The model ran out of memory',
  timeout: 'The task timed out',
  agent_disconnect: 'The agent disconnected',
}
const payload = z.object({
  event_type: z.enum(['task.completed', 'task.failed']),
  task_id: z.uuidv7(),
  task_status: z.enum(['completed', 'failed']),
  task_output: z.object({ storage_key: z.string(), image_count: z.int() }),
  task_error: z.string(),
  timestamp: z.string(),
})
type Asking = { readonly headers: Readonly<Record<string, string | undefined>>; tenantId: string }

function partsOf(setting: Setting) {
  const webhooks = createWebhooks({
    ...setting.sender,
    events: defineEvents({ 'task.completed': payload, 'task.failed': payload }),
    envelope: ({ data }) => data,
    signing: hmac({ header: 'X-Webhook-Signature-256', prefix: 'sha256=' }),
    retry: setting.retries(0, 5, 30, 120),
    gone: 'retry', // "non-2xx": 410, too; and nobody could see or lift that a webhook is switched off
    ids: { subscription: uuidv7 },
    userAgent: 'team-tasks/1.0',
  })
  const reachable = (given: string) => isHttpsReceiver(given, setting)
  const url = z.string().max(2048).refine(reachable, 'must be an https URL that we can reach')
  const events = z.array(z.enum(['task.completed', 'task.failed'])).min(1)
  const fields = z.object({ name: text(1, 255), url, events })
  const [team, secondTeam] = [uuidv7(), uuidv7()]
  /** The teams of each user, and the team of each credential. */
  const members = new Map([['ada', [team, secondTeam]]])
  const owners = new Map(['sk-', 'dk-'].map((kind) => [kind + randomBytes(20).toString('hex'), team]))
  const tasks = new Map<string, { readonly tenantId: string; readonly status: 'completed' | 'failed' }>()
  return { webhooks, fields, key: randomBytes(32), team, secondTeam, members, owners, tasks }
}
type Parts = ReturnType<typeof partsOf>

/** Finds the team that a request is about. */
const teamGuard = ({ owners, members, key }: Parts): CanActivate => ({
  async canActivate(context) {
    const request = context.switchToHttp().getRequest<Asking>()
    const { authorization = '', 'x-team-id': given = '' } = request.headers
    const token = /^Bearer (.+)$/i.exec(authorization)?.[1] ?? ''
    request.tenantId = owners.get(token) ?? (await teamOfSession(token, given.toLowerCase()))
    return true

    async function teamOfSession(token: string, team: string): Promise<string> {
      const session = await jwtVerify(token, key, { algorithms: ['HS256'] }).catch(() => null)
      if (session === null) throw new Refused(401, 'A session token or an sk- or dk- credential is required')
      if (!UUID.test(team)) throw new Refused(400, 'X-Team-ID must be the UUID of a team')
      if (!members.get(session.payload.sub ?? '')?.includes(team))
        throw new Refused(403, 'You are not in this team')
      return team
    }
  },
})

const shown = (webhook: Subscription) => ({
  id: webhook.id,
  name: webhook.name,
  url: webhook.url,
  events: webhook.events,
  created_at: webhook.createdAt,
  updated_at: webhook.updatedAt,
})

function checked<Shape extends z.ZodType>(shape: Shape, input: unknown): z.output<Shape> {
  const result = shape.safeParse(input)
  if (!result.success) throw new Refused(400, problemOf(result.error))
  return result.data
}

@Controller('v1/webhooks')
class WebhooksController {
  readonly subscriptions: Parts['webhooks']['subscriptions']
  readonly fields: Parts['fields']
  constructor(@Inject(PARTS) { webhooks, fields }: Parts) {
    this.subscriptions = webhooks.subscriptions
    this.fields = fields
  }

  @Post()
  async create(@Req() { tenantId }: Asking, @Body() body: unknown) {
    const { subscription, secret } = await this.subscriptions.create({
      ...checked(this.fields, body),
      tenantId,
    })
    return { id: subscription.id, secret }
  }

  @Get()
  async list(@Req() { tenantId }: Asking) {
    const all = await everything((page) => this.subscriptions.list({ tenantId, ...page }))
    return { webhooks: all.map(shown) }
  }

  @Get(':id')
  async detail(@Req() { tenantId }: Asking, @Param('id') id: string) {
    const webhook = await this.subscriptions.get(id, { tenantId })
    return { ...shown(webhook), secret: await this.subscriptions.revealSecret(id, { tenantId }) }
  }

  @Patch(':id')
  async update(@Req() { tenantId }: Asking, @Param('id') id: string, @Body() body: unknown) {
    await this.subscriptions.update(id, checked(this.fields.partial(), body), { tenantId })
    return { id }
  }

  @Delete(':id')
  @HttpCode(204)
  async remove(@Req() { tenantId }: Asking, @Param('id') id: string) {
    await this.subscriptions.delete(id, { tenantId })
  }
}

@Controller('v1/tasks')
class TasksController {
  constructor(@Inject(PARTS) private readonly parts: Parts) {}

  @Post()
  @HttpCode(202)
  async run(@Req() { tenantId }: Asking, @Body() body: unknown = {}) {
    const outcomes = Object.keys(ERRORS) as (keyof typeof ERRORS)[]
    const { simulate } = checked(z.object({ simulate: z.enum(outcomes).default('completed') }), body)
    const id = uuidv7()
    const done = simulate === 'completed'
    const status = done ? 'completed' : 'failed'
    this.parts.tasks.set(id, { tenantId, status })
    const event_type = `task.${status}` as const
    const task_output = { storage_key: done ? `tasks/${id}/output.png` : '', image_count: done ? 1 : 0 }
    const timestamp = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const outcome = { task_id: id, task_status: status, task_output, task_error: ERRORS[simulate] } as const
    const data = { event_type, ...outcome, timestamp }
    await this.parts.webhooks.publish(event_type, data, { tenantId })
    return { id }
  }

  @Get(':id')
  read(@Req() { tenantId }: Asking, @Param('id') id: string) {
    const task = this.parts.tasks.get(id)
    if (task?.tenantId !== tenantId) throw new Refused(404, 'Task not found')
    return { id, status: task.status }
  }
}

/** Puts refusals into NestJS's own words. */
@Catch()
class RefusalFilter extends BaseExceptionFilter {
  override catch(error: unknown, host: ArgumentsHost): void {
    const refused = refusalOf(error, 'Webhook')
    const message = [refused?.field, refused?.message].filter(Boolean).join(' ')
    super.catch(
      refused ? new HttpException({ statusCode: refused.status, message }, refused.status) : error,
      host,
    )
  }
}

@Module({})
class TeamTasks {}

export async function start(setting: Setting): Promise<Running> {
  const parts = partsOf(setting)
  const { webhooks, team, secondTeam } = parts
  const providers = [{ provide: PARTS, useValue: parts }]
  const controllers = [WebhooksController, TasksController]
  const app = await NestFactory.create<NestExpressApplication>(
    { module: TeamTasks, providers, controllers },
    { logger: false, abortOnError: false, forceCloseConnections: true },
  )
  app.disable('x-powered-by')
  app.useGlobalGuards(teamGuard(parts))
  app.useGlobalFilters(new RefusalFilter(app.getHttpAdapter()))
  await webhooks.start()
  await app.listen(setting.port, '127.0.0.1')
  const session = new SignJWT().setSubject('ada').setProtectedHeader({ alg: 'HS256' })
  const token = await session.setExpirationTime('1d').sign(parts.key)
  const [secretKey, deviceKey] = parts.owners.keys()
  return {
    port: portOf(app.getHttpServer()),
    credentials: { token, teamId: team, secretKey, deviceKey, other: { teamId: secondTeam } },
    async close() {
      await app.close()
      await webhooks.stop()
    },
  }
}
