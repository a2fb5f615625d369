/**
 * Refuses what a foreign page can make a browser send with the user's cookies: writes from another site, and methods
 * in disguise. Together with "JSON only" this covers every request that needs no preflight; there is no CORS here.
 */
import { ProblemError } from './problem.ts'

const OVERRIDES = ['x-http-method-override', 'x-http-method', 'x-method-override']

/** @throws ProblemError 405 for a method in disguise */
export function refuseOverride(request: Request, url: URL): void {
  if (OVERRIDES.every((name) => !request.headers.has(name)) && !url.searchParams.has('_method')) return
  throw new ProblemError({
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
    detail: 'Methods cannot be overridden: send the request with the method that is meant.',
  })
}

/**
 * Browsers send `Sec-Fetch-Site`, older ones `Origin`; callers that are no browser send neither.
 *
 * @throws ProblemError 403 for a write from another site
 */
export function refuseCrossSite(request: Request, url: URL): void {
  const site = request.headers.get('sec-fetch-site')
  const origin = request.headers.get('origin')
  const host = request.headers.get('host') ?? url.host
  const allowed =
    site !== null ? site === 'same-origin' || site === 'none' : origin === null || hostOf(origin) === host
  if (allowed) return
  throw new ProblemError({
    status: 403,
    code: 'CROSS_SITE',
    detail: 'Writes from pages of another site are refused.',
  })
}

function hostOf(origin: string): string | null {
  try {
    return new URL(origin).host
  } catch {
    return null
  }
}
