/** How many look-ups one transport, or one guard, has in progress at the same time. */

/** All together. */
export const MAX_LOOKUPS = 8
/** Of these, the system's own, which cannot be given up: each holds one of the four threads that files and ciphers need, too. */
export const MAX_SYSTEM_LOOKUPS = 2
