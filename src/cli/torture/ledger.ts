/**
 * The ledgers that stand outside the library: one JSON object a line, appended by one process and read when the run is
 * over. What the library says of itself proves nothing; these files do.
 */
import { closeSync, fdatasyncSync, openSync, readSync, writeSync } from 'node:fs'

/** Before and after each publish. */
export interface Published {
  readonly kind: 'invoked' | 'acknowledged' | 'refused'
  readonly id: string
  readonly tenant: string
  /** SHA-256 of the payload's own text, hex. */
  readonly digest: string
  /** How long after the publish it is due. */
  readonly delayMs: number
  readonly at: number
}

/** A request that arrived. */
export interface Received {
  readonly id: string
  readonly tenant: string
  readonly endpoint: string
  readonly digest: string
  /** SHA-256 of the whole body: the same on every attempt. */
  readonly body: string
  /** The signature was valid, by a verifier that shares no code with the library. */
  readonly valid: boolean
  /** The worker that sent it. */
  readonly worker: string
  readonly at: number
  /** When it was answered; null when the connection ended before. */
  readonly answered: number | null
  /** With what status: 204, or 500 where the run asks for failures, or for no answer. */
  readonly status: number
  /** `webhook-timestamp`, in seconds. */
  readonly signedAt: number
}

/** What was done to the database. `mended` ends the one before it. */
export type DatabaseFault = 'cut' | 'restart' | 'read-only' | 'mended'

/** A queue row that somebody has claimed, as it stands in the database. */
export interface HeldRow {
  readonly row: string
  readonly token: string
}

/** What the driver did to the system. */
export interface Fault {
  readonly kind: 'kill' | 'freeze' | 'thaw' | 'block' | 'wake' | 'deploy' | DatabaseFault
  /** The worker that it hit, or null for all. */
  readonly worker: string | null
  readonly at: number
  /** Of a kill and a freeze: all rows that were claimed, by this worker and by others, right after it. */
  readonly held?: readonly HeldRow[]
}

/** An outcome that a worker gave to the store, and what the store made of it. */
export interface Told {
  readonly row: string
  readonly token: string
  /** Event and endpoint, as in the receiver's ledger; null where no request was made. */
  readonly key: string | null
  readonly succeeded: boolean
  readonly result: string
}

/** What a worker did with the store. `tick` is of a clock that all processes share and nobody sets, in ms. */
export type WorkerEntry =
  /** Written before the claim, whose answer a killed worker may not see. */
  | { readonly kind: 'asked'; readonly token: string }
  | {
      readonly kind: 'claimed'
      readonly token: string
      readonly rows: readonly string[]
      readonly at: number
      readonly tick: number
    }
  | {
      readonly kind: 'recorded'
      readonly outcomes: readonly Told[]
      /** Both before the store was asked. */
      readonly askedAt: number
      readonly tick: number
    }

/** A ledger that is being written. */
export interface Ledger<Entry> {
  append(entry: Entry): void
  /** Puts on the disk what was appended. */
  sync(): void
  close(): void
}

export function openLedger<Entry>(path: string): Ledger<Entry> {
  const file = openSync(path, 'a')
  return {
    append: (entry) => void writeSync(file, `${JSON.stringify(entry)}\n`),
    sync: () => fdatasyncSync(file),
    close: () => closeSync(file),
  }
}

const CHUNK = 1 << 24

/** Reads a ledger. */
export function readLedger<Entry>(path: string): Entry[] {
  const entries: Entry[] = []
  eachEntry<Entry>(path, (entry) => entries.push(entry))
  return entries
}

/** Goes through a ledger, by chunks, since it may be longer than a string; a last line that was cut by a kill is left out. */
export function eachEntry<Entry>(path: string, see: (entry: Entry) => void): void {
  const file = openSync(path, 'r')
  const chunk = Buffer.alloc(CHUNK)
  let rest = Buffer.alloc(0)
  try {
    for (let length = readSync(file, chunk); length > 0; length = readSync(file, chunk)) {
      const text = Buffer.concat([rest, chunk.subarray(0, length)])
      const end = text.lastIndexOf(10) + 1
      for (const line of text.toString('utf8', 0, end).split('\n')) {
        if (line !== '') see(JSON.parse(line) as Entry)
      }
      rest = text.subarray(end)
    }
  } finally {
    closeSync(file)
  }
}
