/** Finds the route of a request: a list of fixed patterns, compared segment by segment. */
import type { Route } from './route.ts'

/** A route that fits, and the values of its path. */
export interface Match {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

/** What a path leads to. */
export interface Found {
  readonly match: Match | null
  /** The methods that the path knows; empty when no route has it. */
  readonly allowed: readonly string[]
}

/** Builds the router. HEAD is answered where GET is; of two paths that fit, the one with fewer parameters counts. */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => Found {
  const table = routes.map((route) => ({ route, segments: route.path.split('/') }))
  return (method, path) => {
    const segments = path.split('/')
    const fitting = table.flatMap(({ route, segments: pattern }) => {
      const params = paramsOf(pattern, segments)
      return params === null ? [] : [{ route, params }]
    })
    const wanted = method === 'HEAD' ? 'GET' : method
    const fewest = Math.min(...fitting.map(countOf))
    const exact = fitting.filter((match) => countOf(match) === fewest)
    const allowed = exact.flatMap(({ route }) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method]))
    return { match: exact.find(({ route }) => route.method === wanted) ?? null, allowed }
  }
}

const countOf = ({ params }: Match) => Object.keys(params).length

function paramsOf(pattern: readonly string[], segments: readonly string[]): Record<string, string> | null {
  if (pattern.length !== segments.length) return null
  const params: Record<string, string> = {}
  for (const [index, expected] of pattern.entries()) {
    const given = segments[index] ?? ''
    const name = /^\{(\w+)\}$/.exec(expected)?.[1]
    if (name === undefined) {
      if (expected !== given) return null
    } else {
      const value = decoded(given)
      if (value === null) return null
      params[name] = value
    }
  }
  return params
}

function decoded(segment: string): string | null {
  try {
    return segment === '' ? null : decodeURIComponent(segment)
  } catch {
    return null
  }
}
