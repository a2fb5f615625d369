/** The prefix of table names, where a database has no schemas of its own. */
import { PosthornError } from '../../errors.ts'

/** @throws PosthornError `INVALID_OPTION` */
export function checkPrefix(prefix: string): string {
  if (/^[A-Za-z0-9_]{0,32}$/.test(prefix)) return prefix
  throw new PosthornError(
    'INVALID_OPTION',
    `\`prefix\` must be up to 32 letters, digits and \`_\`; ${JSON.stringify(prefix)} is not.`,
    { path: 'prefix' },
  )
}
