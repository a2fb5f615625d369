/** The headers of a fetch Response in the shape of the contract. */

/** Lower-case names; repeated headers joined with `, `, `set-cookie` too, which Headers lists one by one. */
export function headerRecord(headers: Headers): Record<string, string> {
  const record: Record<string, string> = Object.fromEntries(headers)
  const cookies = headers.getSetCookie()
  if (cookies.length > 1) record['set-cookie'] = cookies.join(', ')
  return record
}
