/**
 * Who subscribes to what, and how each receiver behaves: plain data that the sender, the receivers and the ledger
 * share. Nothing of the library is imported here.
 */

/**
 * `healthy`: answers 200. `slow`: answers 200 after a while. `fails-twice`: 500, then 502, then 200, for each event.
 * `down`: cuts every connection for a while, then is healthy. `gone`: answers 410, for ever.
 */
export type Behaviour = 'healthy' | 'slow' | 'fails-twice' | 'down' | 'gone'

/** One receiver of the demo. */
export interface Planned {
  /** Names the receiver; also the path of its URL. */
  readonly key: string
  readonly tenantId: string
  readonly pattern: string
  readonly behaviour: Behaviour
}

const planned = (key: string, tenantId: string, pattern: string, behaviour: Behaviour): Planned => ({
  key,
  tenantId,
  pattern,
  behaviour,
})

/** Twenty subscriptions: everything, one prefix, or one exact event. */
export const plan: readonly Planned[] = [
  planned('acme-audit', 'acme', '*', 'healthy'),
  planned('acme-issues', 'acme', 'github.issues.*', 'healthy'),
  planned('acme-push', 'acme', 'github.push', 'healthy'),
  planned('acme-reviews', 'acme', 'github.pull_request.*', 'slow'),
  planned('acme-checks', 'acme', 'github.check_run.*', 'fails-twice'),
  planned('globex-audit', 'globex', '*', 'fails-twice'),
  planned('globex-reviews', 'globex', 'github.pull_request.*', 'healthy'),
  planned('globex-stars', 'globex', 'github.star.created', 'slow'),
  planned('globex-left', 'globex', '*', 'gone'),
  planned('globex-releases', 'globex', 'github.release.*', 'down'),
  planned('initech-audit', 'initech', '*', 'down'),
  planned('initech-issues', 'initech', 'github.issues.*', 'fails-twice'),
  planned('initech-triage', 'initech', 'github.issues.opened', 'healthy'),
  planned('initech-left', 'initech', 'github.issues.*', 'gone'),
  planned('initech-repos', 'initech', 'github.repository.*', 'slow'),
  planned('hooli-audit', 'hooli', '*', 'slow'),
  planned('hooli-mirror', 'hooli', '*', 'healthy'),
  planned('hooli-talk', 'hooli', 'github.discussion.*', 'down'),
  planned('hooli-push', 'hooli', 'github.push', 'fails-twice'),
  planned('hooli-left', 'hooli', 'github.pull_request.*', 'gone'),
]

/** The tenants of the plan; each payload is published for each of them. */
export const tenants: readonly string[] = [...new Set(plan.map((one) => one.tenantId))]

/** The event id that the demo gives to the n-th payload of a tenant, so that both sides can name it. */
export function eventId(tenantId: string, index: number): string {
  return `${tenantId}-${index}`
}

/** So many events are published a second time with the same id; no receiver may notice. */
export const REPUBLISHED = 25
