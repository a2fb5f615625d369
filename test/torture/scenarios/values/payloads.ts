/** Test 50: every payload arrives as the same bytes from every store, on every attempt, or is refused at the door; one event a key. */
import { types } from 'node:util'
import fc from 'fast-check'
import { openStore } from '../../../../src/cli/open-store.ts'
import { createWebhooks } from '../../../../src/index.ts'
import { quietLogger } from '../../../support/setup.ts'
import type { Bench, Kind, Scenario } from '../../scenario.ts'
import { noServer } from '../under-harm.ts'
import { type PayloadCase, payloadCases } from './payload-cases.ts'
import { bothSides, inChunks, isFault, MAX_BYTES, outcomeOf, type Side } from './two-stores.ts'

const TENANT = { tenantId: 'acme' }
const AT = new Date('2026-01-02T03:04:05.678Z')
const TYPE = 'payload.tried'
const envelopeOf = (data: unknown) => JSON.stringify({ type: TYPE, timestamp: AT.toISOString(), data })
const BESIDES = Buffer.byteLength(envelopeOf(0)) - 1

export const payloads: Scenario = {
  number: 50,
  name: 'payloads',
  kinds: ['postgres', 'mysql', 'sqlite'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const { sides } = await bothSides(bench, kind, place)
    const random = fc.sample(fc.jsonValue({ stringUnit: 'binary', maxDepth: 6 }), {
      seed: bench.seed,
      numRuns: bench.full ? 10_000 : 100,
    })
    const cases: PayloadCase[] = [
      ...payloadCases(MAX_BYTES, BESIDES),
      ...random.map((value, index): PayloadCase => [`random ${index}`, () => structuredClone(value)]),
    ]
    const before = Reflect.ownKeys(Object.prototype).length
    const [memory, tested] = await Promise.all(sides.map((side) => receivedOf(side, cases)))
    const problems: string[] = []
    cases.forEach(([name, make], index) => {
      const [wanted, found] = [memory?.[index] ?? '', tested?.[index] ?? '']
      const differs =
        found !== wanted ? `${kind}: ${found.slice(0, 200)}, memory: ${wanted.slice(0, 200)}` : null
      const told = differs ?? (isFault(found) ? found : (misread(make, found) ?? null))
      if (told !== null) problems.push(`${name}: ${told}`)
    })
    if (Reflect.ownKeys(Object.prototype).length !== before) problems.push('Object.prototype has changed')
    const races = await race(bench, kind, bench.full ? 1_000 : 25)
    const refused = tested?.filter((one) => one.startsWith('refused')).length ?? 0
    return {
      problems: [...problems.slice(0, 20), ...races],
      figures: { payloads: cases.length, refused, differing: problems.length, 'lost races': races.length },
    }
  },
}

/** By case: what arrived on both attempts, or why nothing was sent. */
async function receivedOf({ webhooks, transport }: Side, cases: readonly PayloadCase[]): Promise<string[]> {
  await webhooks.subscriptions.create({ ...TENANT, url: 'https://receiver.example/hook' })
  const taken = await inChunks(cases, ([, make], index) =>
    outcomeOf(async () => {
      const { id } = await webhooks.publish(TYPE, make(), { ...TENANT, id: `evt_${index}`, occurredAt: AT })
      return id
    }),
  )
  await webhooks.drain()
  const first = transport.requests.length
  for (let cursor: string | undefined; ; ) {
    const page = await webhooks.deliveries.list({
      ...TENANT,
      limit: 100,
      ...(cursor === undefined ? {} : { cursor }),
    })
    await inChunks(page.items, ({ id }) => webhooks.deliveries.redeliver(id, TENANT))
    if (page.nextCursor === null) break
    cursor = page.nextCursor
  }
  await webhooks.drain()
  const bodies = new Map<string, string[]>()
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  for (const { headers, body } of transport.requests) {
    const id = headers['webhook-id'] ?? ''
    bodies.set(id, [...(bodies.get(id) ?? []), decoder.decode(body)])
  }
  const published = taken.filter((one) => one.startsWith('evt_')).length
  if (first !== published) return cases.map(() => `threw: ${first} requests for ${published} events`)
  return taken.map((one) => {
    if (!one.startsWith('evt_')) return one
    const attempts = bodies.get(one) ?? []
    if (attempts.length !== 2 || attempts[0] !== attempts[1])
      return `threw: ${attempts.length} attempts differ`
    return `sent ${attempts[0]}`
  })
}

/** What was sent is what `JSON.stringify` says, and what was refused is what it cannot say, or too large. */
function misread(make: () => unknown, found: string): string | null {
  if (types.isPromise(make())) return found === 'refused PAYLOAD_NOT_SERIALISABLE' ? null : found
  let text: string | null
  try {
    text = envelopeOf(make())
  } catch {
    text = null
  }
  if (found.startsWith('sent '))
    return found.slice(5) === text ? null : `sent other bytes than JSON.stringify gives`
  if (found === 'refused PAYLOAD_TOO_LARGE')
    return text !== null && Buffer.byteLength(text) > MAX_BYTES ? null : 'refused as too large, and is not'
  if (found !== 'refused PAYLOAD_NOT_SERIALISABLE') return found
  const whole = text === null || /\\u[dD][89a-fA-F]/.test(text) || !text.includes('"data":')
  return whole ? null : 'refused, though JSON can hold it'
}

/** Eight callers, four on each of two connections' worth of stores, publish with one key at once. */
async function race(bench: Bench, kind: Kind, rounds: number): Promise<string[]> {
  const place = await bench.place(kind)
  if (place === null) return []
  const senders = await Promise.all(
    [0, 1].map(async () => {
      const opened = await openStore(place)
      bench.after(() => opened.close())
      const webhooks = createWebhooks({ store: opened.store, logger: quietLogger })
      bench.after(() => webhooks.stop())
      return webhooks
    }),
  )
  await senders[0]?.migrate()
  const problems: string[] = []
  for (let round = 0; round < rounds; round++) {
    const published = await Promise.all(
      Array.from({ length: 8 }, async (_, caller) => {
        const options = { ...TENANT, idempotencyKey: `key ${round}` }
        return senders[caller % 2]?.publish(TYPE, { caller }, options)
      }),
    )
    const ids = new Set(published.map((one) => one?.id))
    const fresh = published.filter((one) => one?.duplicate === false).length
    if (ids.size !== 1 || fresh !== 1)
      problems.push(`round ${round}: ${ids.size} events, ${fresh} of them new`)
  }
  const events = (await senders[0]?.events.list({ ...TENANT, limit: 1, total: true }))?.total
  return events === rounds ? problems : [...problems, `${events} events for ${rounds} keys`]
}
