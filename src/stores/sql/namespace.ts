/** Where the tables are: a schema on Postgres, a prefix of their names elsewhere. */
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

/** @throws PosthornError `INVALID_OPTION` */
export function checkSchemaName(schema: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]{0,39}$/.test(schema)) return schema
  throw new PosthornError(
    'INVALID_OPTION',
    `\`schema\` must be 1 to 40 letters, digits and \`_\`, not beginning with a digit; ${JSON.stringify(schema)} is not.`,
    { path: 'schema' },
  )
}
