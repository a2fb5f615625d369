/**
 * Asks the host who is calling. Fails closed: whatever is not a clear answer within ten seconds is a refusal, and no
 * route is looked at before.
 */
import type { Clock } from '../clock.ts'
import { type AnyTenant, anyTenant, type TenantScope } from '../index.ts'
import { ProblemError } from './problem.ts'

/** What a caller may do. Each role may do what the ones before it may. */
export type Role = 'read-only' | 'tenant' | 'admin'

/** Who is calling. */
export interface Authorization {
  /** `read-only` reads, `tenant` also writes, `admin` also publishes and sees the health of the whole. */
  readonly role: Role
  /**
   * Whose rows the caller may see and change. An admin without one may act for every tenant. The other roles need one
   * (the default tenant of `createWebhooks` counts); an operator who may read everything is
   * `{ role: 'read-only', tenantId: anyTenant }`.
   */
  readonly tenantId?: string | AnyTenant | undefined
}

/**
 * Decides who is calling. Anything but an `Authorization` or a `Response` refuses: nothing at all with 401, an error or
 * nonsense with 503. A `Response` (a redirect to a login, a 401 of your own) is sent as it is.
 *
 * @param request Read its headers. Its body belongs to the route: read a `clone()` if a signature needs it.
 * @param native What a mount hands over: the framework's own request or context (Express' `req` with its `user`, say).
 */
export type Authorize = (
  request: Request,
  native?: unknown,
) => Authorization | Response | null | undefined | Promise<Authorization | Response | null | undefined>

/** A caller whose rights are known. */
export interface Caller {
  readonly role: Role
  readonly scope: TenantScope
}

/** How long the host may take to decide. */
export const AUTHORIZE_TIMEOUT_MS = 10_000

const RANK: Readonly<Record<Role, number>> = { 'read-only': 0, tenant: 1, admin: 2 }

/** True when the role may do what `needed` may. */
export const mayAct = (role: Role, needed: Role): boolean => RANK[role] >= RANK[needed]

/**
 * The caller, or the host's own answer.
 *
 * @throws ProblemError 401 or 503
 */
export async function callerOf(
  ask: () => unknown,
  { clock, defaultTenant }: { readonly clock: Clock; readonly defaultTenant: string | null },
): Promise<Caller | Response> {
  const answer = await withinTime(ask, clock)
  if (isResponse(answer)) return answer
  if (answer === undefined || answer === null || answer === false)
    throw new ProblemError({ status: 401, code: 'UNAUTHORIZED', detail: 'Say who you are.' })
  const caller = callerFrom(answer, defaultTenant)
  if (caller === null) throw unavailable('The host gave no answer that could be understood.')
  return caller
}

async function withinTime(ask: () => unknown, clock: Clock): Promise<unknown> {
  let stop = () => {}
  const late = new Promise<never>((_, reject) => {
    const timer = clock.setTimer(
      () => reject(unavailable('It took too long to find out who is calling.')),
      AUTHORIZE_TIMEOUT_MS,
    )
    stop = () => timer.cancel()
  })
  try {
    return await Promise.race([(async () => ask())(), late])
  } catch (error) {
    throw error instanceof ProblemError
      ? error
      : unavailable('It could not be found out who is calling.', error)
  } finally {
    stop()
  }
}

function callerFrom(answer: unknown, defaultTenant: string | null): Caller | null {
  if (typeof answer !== 'object' || answer === null) return null
  const { role, tenantId } = answer as { role?: unknown; tenantId?: unknown }
  if (role !== 'admin' && role !== 'tenant' && role !== 'read-only') return null
  if (tenantId === anyTenant) return role === 'tenant' ? null : { role, scope: anyTenant }
  if (typeof tenantId === 'string' && tenantId.length >= 1 && tenantId.length <= 255)
    return { role, scope: tenantId }
  if (tenantId !== undefined) return null
  if (role === 'admin') return { role, scope: anyTenant }
  return defaultTenant === null ? null : { role, scope: defaultTenant }
}

/** By its shape: a `Response` of another realm or library is one, too. */
function isResponse(answer: unknown): answer is Response {
  if (answer instanceof Response) return true
  const { status, headers, arrayBuffer } = (answer ?? {}) as Partial<Response>
  return typeof status === 'number' && typeof headers?.get === 'function' && typeof arrayBuffer === 'function'
}

const unavailable = (detail: string, cause?: unknown) => {
  const error = new ProblemError({ status: 503, code: 'UNAVAILABLE', detail })
  if (cause !== undefined) error.cause = cause
  return error
}
