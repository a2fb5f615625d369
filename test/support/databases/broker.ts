/** Lets the test files of one run share database servers that start when the first file asks for one. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The databases that have a server. */
export type DatabaseKind = 'postgres' | 'mysql'

/** Where it is, or why there is none. */
export type Answer =
  | { readonly url: string; readonly missing?: never }
  | { readonly url: null; readonly missing: string }

/** Answers `GET /postgres` and `GET /mysql` on loopback; what fails is said to the file that asked. */
export async function startBroker(
  find: (kind: DatabaseKind) => Promise<Answer>,
): Promise<{ url: string; close(): Promise<void> }> {
  const found = new Map<DatabaseKind, Promise<Answer>>()
  const server: Server = createServer((request, response) => {
    const kind = request.url?.slice(1) as DatabaseKind
    const answer = found.get(kind) ?? find(kind)
    found.set(kind, answer)
    answer.then(
      (value) => response.end(JSON.stringify(value)),
      (error: Error) => response.writeHead(500).end(error.message),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Asks the broker of this run. */
export async function askForServer(broker: string, kind: DatabaseKind): Promise<Answer> {
  const response = await fetch(`${broker}/${kind}`)
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as Answer
}
