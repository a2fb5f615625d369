/** Fills `{event.type}` and the like into the custom headers of a request. Anything else in braces stays as it is. */

/** What can be filled in. */
export interface TemplateValues {
  readonly 'event.type': string
  readonly 'event.id': string
  /** 1 for the first. */
  readonly 'delivery.attempt': string
  /** Seconds since 1970, the same as is signed. */
  readonly timestamp: string
}

const TEMPLATE = /\{(event\.type|event\.id|delivery\.attempt|timestamp)\}/g

/** The headers with their templates filled; the same object when there are none. */
export function fillHeaders(
  headers: Readonly<Record<string, string>>,
  values: TemplateValues,
): Readonly<Record<string, string>> {
  let filled: Record<string, string> | null = null
  for (const [name, value] of Object.entries(headers)) {
    if (!value.includes('{')) continue
    filled ??= { ...headers }
    filled[name] = value.replace(TEMPLATE, (_whole, key: keyof TemplateValues) => values[key])
  }
  return filled ?? headers
}
