/** A receiver that misbehaves in every mode there is, in a process of its own: what it costs is to be seen at the sender. */
import type { TlsOptions } from 'node:tls'
import { modes } from '../../support/evil-modes.ts'
import { evilReceiver } from '../../support/evil-receiver.ts'

/** What it says once it listens. */
export interface EvilPlace {
  readonly port: number
  readonly modes: readonly string[]
}

/** `EVIL`: the key and the certificate to serve TLS with, as JSON; without it plain HTTP. */
export async function runEvil(): Promise<void> {
  const { EVIL } = process.env
  const { port } = await evilReceiver(EVIL === undefined ? {} : { tls: JSON.parse(EVIL) as TlsOptions })
  process.on('disconnect', () => process.exit(0))
  process.send?.({ port, modes: Object.keys(modes) } satisfies EvilPlace)
}
