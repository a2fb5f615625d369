/** Who may see what: partners have tenants, and a token reaches all of them, one partner's, or one tenant. */
import { randomBytes } from 'node:crypto'
import type { Context, MiddlewareHandler } from 'hono'
import { jwtVerify, SignJWT } from 'jose'
import { Refused } from './setting.ts'

/** Which tenants belong to which partner. */
export const PARTNERS: Readonly<Record<string, string>> = { acme: 'north', apex: 'north', zeta: 'south' }

/** What a request knows of its caller: the tenants that the token reaches. */
export type Callers = { Variables: { tenants: string[] } }
export type Ask = Context<Callers>

/** True for a tenant that is the one asked for and belongs to the partner asked for; null and absent ask for none. */
export function isWithin(
  tenant: string,
  { tenant_id, partner_id }: Readonly<Record<string, unknown>>,
): boolean {
  return (tenant_id ?? tenant) === tenant && (partner_id ?? PARTNERS[tenant]) === PARTNERS[tenant]
}

/** Bearer JWTs, signed with a key that lives as long as the process. */
export function accessByToken() {
  const key = randomBytes(32)
  const check: MiddlewareHandler<Callers> = async (c, next) => {
    const token = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1] ?? ''
    const verified = await jwtVerify(token, key, { algorithms: ['HS256'] }).catch(() => null)
    if (verified === null) throw new Refused(401, 'Not authenticated')
    const scopes = String(verified.payload.scope).split(' ')
    if (!scopes.includes('webhooks:admin')) throw new Refused(403, 'Not enough permissions')
    c.set(
      'tenants',
      Object.keys(PARTNERS).filter((tenant) => isWithin(tenant, verified.payload)),
    )
    await next()
  }
  const token = (claims: object) => {
    const jwt = new SignJWT({ scope: 'webhooks:admin', ...claims }).setProtectedHeader({ alg: 'HS256' })
    return jwt.setSubject('admin').setExpirationTime('1d').sign(key)
  }
  const credentials = async () => ({
    token: await token({}),
    tenantId: 'acme',
    partnerId: 'north',
    other: {
      partnerToken: await token({ partner_id: 'north' }),
      tenantToken: await token({ tenant_id: 'acme' }),
      readToken: await token({ scope: 'users:read' }),
      tenantIds: Object.keys(PARTNERS),
    },
  })
  return { check, credentials }
}
