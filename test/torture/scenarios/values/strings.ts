/** Test 52: ids, tenants and keys are kept byte for byte, or refused at the door: in every store alike, and never by the database. */
import fc from 'fast-check'
import type { Scenario } from '../../scenario.ts'
import { noServer } from '../under-harm.ts'
import { bothSides, inChunks, isFault, outcomeOf, type Side } from './two-stores.ts'

const LONE = String.fromCharCode(0xd83d)

/** Texts that databases, drivers and comparisons have treated as something else than what they are. */
const HAND_MADE: readonly string[] = [
  ...['', ' ', 'a', 'A', 'a ', ' a', 'a\t', 'ä', 'a\u0308', 'Å', 'Å', 'ß', 'ss', 'SS', 'ı', 'I', 'İ'],
  ...['\0', 'a\0', 'a\0b', LONE, `${LONE}a`, '\u202eabc', '\u200b', '\ufeff', '\ufeffa', '😀', '\uffff'],
  ...["'", '"', '`', "''", '\\', "\\'", '%', '_', '$1', '?', ':tenant', '{rows w: id text}', '{now}'],
  ...["'; drop table posthorn_events; --", '1 or 1=1', '/* */', '--', '#', '\n', '\r\n', 'null', 'undefined'],
  ...[
    '__proto__',
    'constructor',
    '0',
    '00',
    '1e3',
    'true',
    '*',
    '[]',
    '{}',
    'a'.repeat(255),
    'a'.repeat(256),
  ],
  ...['é'.repeat(127), 'é'.repeat(255), '😀'.repeat(64), '😀'.repeat(255), 'x'.repeat(1_000_000)],
]

/** What is done with each text, told as text. Whatever it names exists once for each side. */
const USES: Readonly<Record<string, (side: Side, text: string, index: number) => Promise<string>>> = {
  async tenant({ webhooks }, text, index) {
    const { id } = await webhooks.publish('tried', index, { tenantId: text, id: `t${index}` })
    const { items } = await webhooks.events.list({ tenantId: text, limit: 100 })
    const mine = items.filter((event) => event.id === id)
    return `${mine.length} of it, tenant ${mine[0]?.tenantId === text}`
  },
  async 'idempotency key'({ webhooks }, text, index) {
    const options = { tenantId: `key-${index}`, idempotencyKey: text }
    const first = await webhooks.publish('tried', 1, options)
    const again = await webhooks.publish('tried', 2, options)
    return `${first.duplicate} then ${again.duplicate}, same ${again.id === first.id}`
  },
  async 'ordering key'({ webhooks, store }, text, index) {
    const tenantId = `order-${index}`
    const { id } = await webhooks.publish('tried', 1, { tenantId, orderingKey: text })
    return `kept ${(await store.getEvent(tenantId, id))?.orderingKey === text}`
  },
  async 'event id'({ webhooks }, text, index) {
    const { id } = await webhooks.publish('tried', 1, { tenantId: `id-${index}`, id: text })
    return `kept ${id === text}`
  },
  async type({ webhooks }, text, index) {
    const { id } = await webhooks.publish(text, 1, { tenantId: `type-${index}` })
    return `kept ${(await webhooks.events.get(id, { tenantId: `type-${index}` })).type === text}`
  },
  async metadata({ webhooks }, text, index) {
    const options = { tenantId: `meta-${index}`, metadata: { [text]: text } }
    const { id } = await webhooks.publish('tried', 1, options)
    const { metadata } = await webhooks.events.get(id, { tenantId: `meta-${index}` })
    return `kept ${Object.hasOwn(metadata, text) && metadata[text] === text}`
  },
  async 'name of a subscription'({ webhooks }, text, index) {
    const tenantId = `sub-${index}`
    const url = 'https://receiver.example/hook'
    const { subscription } = await webhooks.subscriptions.create({
      tenantId,
      url,
      name: text,
      description: text,
    })
    const read = await webhooks.subscriptions.get(subscription.id, { tenantId })
    return `kept ${read.name === text && read.description === text}`
  },
  async 'looked up'({ webhooks }, text) {
    const { items } = await webhooks.events.list({ tenantId: 'nobody', type: text } as never)
    return `${items.length} found`
  },
}

/** Two texts that look alike are two: each is a new key and a tenant of its own, though another spelling was there before. */
const APART: Readonly<Record<string, (side: Side, text: string) => Promise<string>>> = {
  async 'key beside the others'({ webhooks }, idempotencyKey) {
    const { duplicate } = await webhooks.publish('tried', 1, { tenantId: 'apart', idempotencyKey })
    return `new ${!duplicate}`
  },
  async 'tenant beside the others'({ webhooks }, tenantId) {
    const { items } = await webhooks.events.list({ tenantId, type: 'tried', limit: 100 } as never)
    return `has ${items.length} events`
  },
}

export const strings: Scenario = {
  number: 52,
  name: 'strings',
  kinds: ['postgres', 'mysql', 'sqlite'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const { sides } = await bothSides(bench, kind, place)
    const { seed } = bench
    const pieces = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.constantFrom(...HAND_MADE.slice(0, -1)),
    )
    const fuzzed = fc.array(pieces, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(''))
    const drawn = fc.sample(fuzzed, { seed, numRuns: bench.full ? 10_000 : 60 })
    const texts = [...new Set([...HAND_MADE, ...drawn])]
    const problems: string[] = []
    let refused = 0
    for (const [name, use] of Object.entries({ ...USES, ...APART })) {
      const told = await Promise.all(
        sides.map((side) => inChunks(texts, (text, index) => outcomeOf(() => use(side, text, index)))),
      )
      texts.forEach((text, index) => {
        const [wanted, found = ''] = [told[0]?.[index], told[1]?.[index]]
        if (found.startsWith('refused')) refused += 1
        const bad = found !== wanted || isFault(found) || /false(?! then)/.test(found)
        if (bad) problems.push(`${name} ${JSON.stringify(text).slice(0, 60)}: ${found} (memory: ${wanted})`)
      })
    }
    return {
      problems: problems.slice(0, 20),
      figures: { texts: texts.length, uses: Object.keys(USES).length, refused, differing: problems.length },
    }
  },
}
