/** The fresh process of one growth measurement: makes its Posthorn on Postgres, measures, answers once and ends. */
import type { ReceiverPorts } from '../work.ts'
import { claims } from './claims.ts'
import { deadEndpoint } from './dead-endpoint.ts'
import { eventLoop } from './event-loop.ts'
import { outstanding } from './outstanding.ts'
import { subscriptions } from './subscriptions.ts'
import { publishAll, work } from './workers.ts'

/** What every growth measurement gets. */
export interface GrowthTask {
  readonly name: keyof typeof MEASUREMENTS
  /** A fresh database of a Postgres. */
  readonly url: string
  readonly ports: ReceiverPorts
  /** How much of it: rows, subscriptions, events. */
  readonly size: number
}

/** Lines of the table: what it is, and its figures. */
export type GrowthRow = { readonly what: string } & Readonly<Record<string, number | string>>

const MEASUREMENTS = { claims, outstanding, subscriptions, deadEndpoint, eventLoop, publishAll, work }

process.once('message', (task: GrowthTask) => {
  MEASUREMENTS[task.name](task)
    .then((rows) => ({ rows }))
    .catch((error: unknown) => ({ error: error instanceof Error ? (error.stack ?? '') : String(error) }))
    .then((answer) => process.send?.(answer, () => process.exit(0)))
})
