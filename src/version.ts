/** The version of this package, for those parts that say who they are. A test holds it to package.json. */
export const VERSION = '0.1.0'
