/** When a queue row is suspect: every store counts the same. */

/** Lost claims from which a row is suspect, and claimed alone. */
export const SUSPECT = 2
