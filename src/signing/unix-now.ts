/** The machine's clock, in the unit of the timestamp headers. The only file of this folder that reads it. */

/** Whole seconds since 1970. */
export const unixNow = (): number => Math.floor(Date.now() / 1000)
