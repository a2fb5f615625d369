/** The work that every contender does: which events, to which endpoints, with which bytes. */

/** One work case. */
export interface Work {
  readonly name: string
  readonly title: string
  readonly events: number
  /** Subscriptions per event; each endpoint is an origin of its own. */
  readonly fanOut: number
  readonly tenants: number
  readonly bodyBytes: number
  /** How long a receiver takes to answer. */
  readonly delayMs: number
  readonly tls: boolean
  /** Requests in flight of the limit and of the peers; Posthorn has its own default. */
  readonly concurrency: number
}

/** Where the receiver listens, on every address of 127.0.0.0/8. */
export interface ReceiverPorts {
  readonly http: number
  readonly https: number | null
}

/** The one event type of the bench. */
export const EVENT_TYPE = 'order.paid'

const base = { fanOut: 1, tenants: 1, bodyBytes: 1024, delayMs: 0, tls: false, concurrency: 64 }

/** The cases of issue order, at full size. */
export const CASES: readonly Work[] = [
  { ...base, name: 'a', title: '20,000 events x 1 subscription', events: 20_000 },
  { ...base, name: 'b', title: '4,000 events x 5 subscriptions', events: 4_000, fanOut: 5 },
  { ...base, name: 'c', title: '200 events x 100 subscriptions', events: 200, fanOut: 100 },
  {
    ...base,
    name: 'd',
    title: '20,000 events over 1,000 tenants x 3 subscriptions, 3,000 hosts',
    events: 20_000,
    fanOut: 3,
    tenants: 1_000,
  },
  { ...base, name: 'e', title: '10,000 events of 10 KB x 1 subscription', events: 10_000, bodyBytes: 10_240 },
  {
    ...base,
    name: 'f',
    title: '30,000 events to 300 hosts that answer after 100 ms, http',
    events: 30_000,
    tenants: 300,
    delayMs: 100,
    concurrency: 512,
  },
  {
    ...base,
    name: 'f-tls',
    title: '30,000 events to 300 hosts that answer after 100 ms, TLS',
    events: 30_000,
    tenants: 300,
    delayMs: 100,
    tls: true,
    concurrency: 512,
  },
]

/** By name. */
export function caseNamed(name: string): Work {
  const found = CASES.find((work) => work.name === name)
  if (found === undefined) throw new Error(`no case is named "${name}"`)
  return found
}

/** The same work with fewer events, at least one per tenant. */
export function scaled(work: Work, scale: number): Work {
  const events = Math.max(work.tenants, Math.round(work.events * scale))
  const given = work.events.toLocaleString('en')
  return { ...work, events, title: work.title.replace(given, events.toLocaleString('en')) }
}

/** Deliveries of this many events. */
export const deliveriesOf = (work: Work, events = work.events): number => events * work.fanOut

/** Events per batch call: 500, or as many as make 1,000 deliveries. */
export const batchOf = (work: Work): number => Math.max(1, Math.min(500, Math.floor(1_000 / work.fanOut)))

/** Whose event it is. */
export const tenantOf = (work: Work, event: number): number => event % work.tenants

/** The payload; with the envelope it makes a body of `bodyBytes`. */
export function dataOf(work: Work, event: number): { readonly orderId: string; readonly note: string } {
  const orderId = `o-${String(event).padStart(9, '0')}`
  return { orderId, note: 'x'.repeat(work.bodyBytes - ENVELOPE_BYTES) }
}

/** The body as Posthorn's envelope makes it. */
export const bodyOf = (work: Work, event: number): string =>
  JSON.stringify({ type: EVENT_TYPE, timestamp: new Date().toISOString(), data: dataOf(work, event) })

const ENVELOPE_BYTES = JSON.stringify({
  type: EVENT_TYPE,
  timestamp: new Date(0).toISOString(),
  data: { orderId: 'o-000000000', note: '' },
}).length

/** The address of an endpoint: numbers begin at 0, subscription k of tenant t is number t * fanOut + k. */
export function urlOf(work: Work, ports: ReceiverPorts, endpoint: number): string {
  const host = `127.1.${(endpoint + 1) >> 8}.${(endpoint + 1) & 255}`
  return work.tls
    ? `https://${host}:${ports.https}/e/${endpoint}`
    : `http://${host}:${ports.http}/e/${endpoint}`
}
