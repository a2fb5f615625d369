/** Fills in defaults. A key that is there with the value undefined, as a host's own optional settings are, is not set. */
export function withDefaults<Values extends object>(
  defaults: Values,
  given: { readonly [Key in keyof Values]?: Values[Key] | undefined },
): Values {
  const set = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...defaults, ...Object.fromEntries(set) }
}
