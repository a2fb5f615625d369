/**
 * The management API: one web-standard handler, `(Request) => Promise<Response>`. A request passes the same steps in the
 * same order on every route: who is calling, which route, may they, what do they ask, do it, show what may be shown.
 */
import { anyTenant, type Catalog, type TenantScope, type Webhooks } from '../index.ts'
import { type Caller, callerOf, mayAct } from './authorize.ts'
import { refuseCrossSite, refuseOverride } from './cross-site.ts'
import { checkedOptions, type HandlerOptions, normalisedPath } from './handler-options.ts'
import { createIdempotency, fingerprintOf, idempotencyKeyOf } from './idempotency.ts'
import { etagOf, expectedRevision, preconditionFailed } from './precondition.ts'
import { invalidInput, notFound, ProblemError, problemOf, problemResponse } from './problem.ts'
import { queryOf } from './query.ts'
import { type ReadBody, readBody } from './request-body.ts'
import type { ManagedWebhooks, Route, RouteCall } from './route.ts'
import { createRouter, type Match } from './router.ts'
import { routes } from './routes.ts'

/** What a mount knows about the place of the handler. Runtimes pass things of their own here, which do no harm. */
export interface MountContext {
  /** Where the host has mounted it; counts when `basePath` was not set. */
  readonly basePath?: string | undefined
  /** The framework's own request or context, for `authorize`. */
  readonly native?: unknown
}

/** The handler. Never rejects. */
export type Handler = (request: Request, mount?: MountContext | object) => Promise<Response>

const MAX_HEADERS = 200
const MAX_HEADER_BYTES = 32_768

/** On every answer of ours. No CORS: what is not there allows nothing. */
const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
}

/**
 * Builds the management API of these webhooks.
 *
 * @throws PosthornError INVALID_OPTION, above all without `authorize`
 * @example
 * const handler = createHandler(webhooks, {
 *   basePath: '/webhooks',
 *   authorize: async (request) => {
 *     const user = await sessionOf(request)
 *     return user && { role: 'tenant', tenantId: user.organisationId }
 *   },
 * })
 */
export function createHandler<Events extends Catalog | null, Tx>(
  webhooks: Webhooks<Events, Tx>,
  options: HandlerOptions,
): Handler {
  const { authorize, maxBodyBytes, site, clock, ownBase, onError } = checkedOptions(options)
  const managed = webhooks as unknown as ManagedWebhooks
  const find = createRouter(routes)
  const idempotency = createIdempotency(clock)

  async function answer(request: Request, { basePath, native }: MountContext): Promise<Response> {
    refuseLargeHeaders(request.headers)
    const url = new URL(request.url)
    const { defaultTenant } = managed
    const caller = await callerOf(() => authorize(request, native), { clock, defaultTenant })
    if (!('scope' in caller)) return caller
    const base = ownBase ?? normalisedPath(basePath) ?? ''
    const match = matchOf(request, url, base)
    const response = await respond(request, url, match, caller, base)
    for (const [name, value] of Object.entries(HEADERS)) response.headers.set(name, value)
    return request.method === 'HEAD' ? new Response(null, response) : response
  }

  function matchOf(request: Request, url: URL, base: string): Match {
    const path = url.pathname
    const inside = path.startsWith(`${base}/`) ? path.slice(base.length) : null
    const { match, allowed } = inside === null ? { match: null, allowed: [] } : find(request.method, inside)
    if (allowed.length === 0) throw new ProblemError({ ...notFound, detail: 'There is no such route.' })
    refuseOverride(request, url)
    if (match !== null) return match
    throw new ProblemError({
      status: 405,
      code: 'METHOD_NOT_ALLOWED',
      detail: `This path takes ${allowed.join(', ')}.`,
      headers: { allow: allowed.join(', ') },
    })
  }

  async function respond(
    request: Request,
    url: URL,
    { route, params }: Match,
    caller: Caller,
    base: string,
  ): Promise<Response> {
    const writes = route.method !== 'GET'
    if (writes) refuseCrossSite(request, url)
    if (!mayAct(caller.role, route.role))
      throw new ProblemError({
        status: 403,
        code: 'FORBIDDEN',
        detail: `This takes the role ${route.role}, and the caller is ${caller.role}.`,
      })
    const body = writes ? await readBody(request, maxBodyBytes, clock) : null
    const key = writes ? idempotencyKeyOf(request.headers) : undefined
    const run = () => perform(request, url, { route, params }, caller, base, body, key)
    if (key === undefined) return run()
    const whose = `${caller.role} ${String(caller.scope)}`
    const what = await fingerprintOf(`${url.search}\n${body?.text ?? ''}`)
    return idempotency.once(`${whose} ${request.method} ${url.pathname} ${key}`, what, run)
  }

  async function perform(
    request: Request,
    url: URL,
    { route, params }: Match,
    caller: Caller,
    base: string,
    body: ReadBody | null,
    idempotencyKey: string | undefined,
  ): Promise<Response> {
    const path = route.params.safeParse(params)
    if (!path.success) throw new ProblemError(notFound)
    const query = input(route.query, queryOf(url.searchParams), 'The query')
    const value = bodyOf(route, body)
    const { scope, owner } = tenantsOf(caller, query, value)
    const ifMatch = request.headers.has('if-match')
    if (ifMatch && route.method !== 'GET' && !route.revisioned) throw preconditionFailed()
    const revision = route.revisioned ? expectedRevision(request.headers) : undefined
    const call: RouteCall<unknown, unknown, unknown> = {
      webhooks: managed,
      params: path.data,
      query,
      body: value,
      scope,
      owner,
      expectedRevision: revision,
      idempotencyKey,
      site: { ...site, basePath: base },
    }
    try {
      return shown(route, await route.call(call), base)
    } catch (error) {
      throw revision !== undefined && problemOf(error).code === 'CONFLICT' ? preconditionFailed() : error
    }
  }

  return async (request, mount = {}) => {
    try {
      return await answer(request, mount as MountContext)
    } catch (error) {
      const problem = problemOf(error)
      if (problem.status >= 500) tell(onError, error, request)
      const response = problemResponse({ ...problem, headers: { ...HEADERS, ...problem.headers } })
      return request.method === 'HEAD' ? new Response(null, response) : response
    }
  }
}

function refuseLargeHeaders(headers: Headers): void {
  let count = 0
  let bytes = 0
  for (const [name, value] of headers) {
    count += 1
    bytes += name.length + value.length
  }
  if (count > MAX_HEADERS || bytes > MAX_HEADER_BYTES)
    throw new ProblemError({
      status: 431,
      code: 'HEADERS_TOO_LARGE',
      detail: `A request may have ${MAX_HEADERS} headers and ${MAX_HEADER_BYTES} bytes of them at most.`,
    })
}

function input<T>(
  schema: { safeParse(value: unknown): { success: boolean; data?: T; error?: unknown } },
  value: unknown,
  what: string,
): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data as T
  throw invalidInput((result.error as { issues: Parameters<typeof invalidInput>[0] }).issues, what)
}

function bodyOf(route: Route, body: ReadBody | null): unknown {
  const value = body?.value
  if (route.body === null) return undefined
  return input(route.body, value === undefined && route.bodyOptional ? {} : value, 'The body')
}

/** Whose rows the call is about. Another tenant than one's own is refused, whatever asks for it. */
function tenantsOf(
  { scope }: Caller,
  query: unknown,
  body: unknown,
): { readonly scope: TenantScope; readonly owner: string | undefined } {
  const named = [query, body]
    .map((part) => (part as { tenantId?: string } | undefined)?.tenantId)
    .filter((tenantId) => tenantId !== undefined)
  const [first] = named
  if (named.some((tenantId) => tenantId !== first || (scope !== anyTenant && tenantId !== scope)))
    throw new ProblemError({
      status: 403,
      code: 'FORBIDDEN',
      detail: 'The caller may not act for this tenant.',
    })
  if (scope !== anyTenant) return { scope, owner: scope }
  return { scope: first ?? anyTenant, owner: first }
}

function shown(route: Route, result: unknown, base: string): Response {
  if (route.output === null) return new Response(null, { status: route.status })
  // Strips whatever the schema does not name: nothing is shown by accident.
  const value = route.output.parse(result)
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (route.revisionOf !== null) headers.etag = etagOf(route.revisionOf(value as never))
  if (route.locationOf !== null) headers.location = `${base}${route.locationOf(value as never)}`
  const status = route.statusOf?.(value as never) ?? route.status
  return new Response(JSON.stringify(value), { status, headers })
}

function tell(onError: HandlerOptions['onError'], error: unknown, request: Request): void {
  try {
    onError?.(error instanceof ProblemError ? (error.cause ?? error) : error, request)
  } catch {
    // The answer goes out, whatever the host's own listener does.
  }
}
