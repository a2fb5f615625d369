/** One-use destinations as they are sealed: JSON of this. */
import { brokenRow } from './row-check.ts'

/** Where a delivery goes, how it is signed, and what is sent along. */
export interface Destination {
  readonly url: string
  readonly secret: string | null
  readonly headers: Readonly<Record<string, string>>
}

/** @throws PosthornError INVALID_INPUT for anything else; it never shows the text, as that of a parser would */
export function destinationFrom(text: string): Destination {
  try {
    const { url, secret, headers }: Partial<Record<keyof Destination, unknown>> = Object(JSON.parse(text))
    const hasHeaders = typeof headers === 'object' && headers !== null
    if (typeof url === 'string' && (secret === null || typeof secret === 'string') && hasHeaders)
      return { url, secret, headers: headers as Destination['headers'] }
  } catch {}
  throw brokenRow('delivery', 'destination')
}
