/** What the processes of one run know, handed to each in its environment. */
import type { StorePlace } from '../open-store.ts'

/** Settings of a run. Instants are Date.now() of this machine, which all of its processes share. */
export interface RunSettings {
  readonly place: StorePlace
  /** Where the ledgers are. */
  readonly folder: string
  readonly seed: number
  readonly tenants: number
  readonly endpoints: number
  readonly events: number
  /** The events are published over so long a time, so that there is work while the harm is done. */
  readonly spreadMs: number
  /** Publishes in flight at a time. */
  readonly publishers: number
  /** Deadline of an attempt; a lease is twice that. */
  readonly timeoutMs: number
  /** Requests in flight in one worker. */
  readonly concurrency: number
  /** How long the receiver takes to answer: from, to. */
  readonly answerMs: readonly [number, number]
  /** Share of requests that are answered with 500, to be tried again. @default 0 */
  readonly failing?: number
  /** Share of events that are published to be due only later, by `DELAY_MS`. @default 0 */
  readonly delayed?: number
  /** The first endpoint of each tenant answers nothing for so long, in ms, counted from its start. @default 0 */
  readonly hangsMs?: number
  /** Drain limit of a planned stop, in ms. @default that of the library */
  readonly drainMs?: number
  /** Longest text in an event, in characters. @default 800 */
  readonly longestText?: number
  /** Workers tell, this often, how long 95 of 100 claims took that found work. @default never */
  readonly tellClaimsMs?: number
  /** How long finished history is kept, in ms; absent: as by default. */
  readonly retentionMs?: number
}

/** The variable that carries them. */
export const SETTINGS = 'POSTHORN_TORTURE'
/** The name of a worker; a new one for each process that is started. */
export const WORKER = 'POSTHORN_TORTURE_WORKER'
/** The port of the receiver. */
export const PORT = 'POSTHORN_TORTURE_PORT'

export function readSettings(): RunSettings {
  return JSON.parse(process.env[SETTINGS] ?? '{}') as RunSettings
}

/** By how much a delayed event is due after its publish. */
export const DELAY_MS = 700
/** The first retry is due after so long, every later one after as long or longer. */
export const RETRY_MS = 1_000

/** Obviously fake, and the same for all: it protects nothing. */
export const SECRET = `whsec_${Buffer.from('obviously-fake-secret-of-torture').toString('base64')}`

export const ledgers = (folder: string) => ({
  published: `${folder}/published.jsonl`,
  received: `${folder}/received.jsonl`,
  worker: (name: string) => `${folder}/${name}.jsonl`,
})

export const tenantName = (index: number) => `tenant-${index}`
