/** Duck typing: clients are told apart by the methods that they have. */

/** Is it an object, or a function, with all of these methods? */
export const has = (value: unknown, ...methods: readonly string[]): boolean =>
  value !== null &&
  (typeof value === 'object' || typeof value === 'function') &&
  methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function')
