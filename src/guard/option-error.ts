/** How the guard refuses an option. */
import { PosthornError } from '../errors.ts'

/** INVALID_OPTION for the value at `path`. `message` goes on after the option's name; a full stop is added where it has no end. */
export function optionError(path: string, message: string): PosthornError {
  const end = /[.?]$/.test(message) ? '' : '.'
  return new PosthornError('INVALID_OPTION', `The option \`${path}\` ${message}${end}`, { path })
}
