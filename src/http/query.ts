/** The query string as an object: a repeated name is a list, `metadata[key]=value` an object. Schemas judge the rest. */

/** The fields by name. Never a prototype of ours: any name is data. */
export function queryOf(search: URLSearchParams): Record<string, unknown> {
  const query: Record<string, unknown> = {}
  const put = (target: Record<string, unknown>, name: string, value: unknown) =>
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true })
  for (const name of new Set(search.keys())) {
    const values = search.getAll(name)
    const value = values.length === 1 ? values[0] : values
    const [, outer, inner] = /^(\w+)\[([^\]]+)\]$/.exec(name) ?? []
    if (outer === undefined || inner === undefined) {
      put(query, name, value)
      continue
    }
    const known = Object.hasOwn(query, outer) ? query[outer] : undefined
    const target: Record<string, unknown> = typeof known === 'object' && known !== null ? { ...known } : {}
    put(target, inner, value)
    put(query, outer, target)
  }
  return query
}
