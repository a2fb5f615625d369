/** Test 51: rows that no version of the library has written are set aside with a reason at their first claim; all others flow. */
import type { Webhooks } from '../../../../src/index.ts'
import type { Scenario } from '../../scenario.ts'
import { noServer } from '../under-harm.ts'
import { bothSides } from './two-stores.ts'

/** A table, what is set in the row of one tenant, and what becomes of its event. */
interface Breakage {
  readonly name: string
  readonly table: 'subscriptions' | 'events' | 'queue'
  readonly set: string
  /**
   * Set aside, with its reason in the list of deliveries. `told`: what a subscription wants cannot be read, so it gets nothing, and
   * the hook `problem` hears of it. `blocked`: the guard lets no request there, and it is tried again by its schedule. `refused`: the body is
   * not there to be sent. `held` and `left`: for a worker that knows it.
   */
  readonly becomes: 'quarantined' | 'told' | 'blocked' | 'refused' | 'held' | 'left'
}

type Becomes = Breakage['becomes']
const subscription = (name: string, set: string, becomes: Becomes = 'quarantined'): Breakage => {
  return { name, table: 'subscriptions', set, becomes }
}
const event = (name: string, set: string, becomes: Becomes = 'quarantined'): Breakage => {
  return { name, table: 'events', set, becomes }
}

const KINDS: readonly Breakage[] = [
  subscription('no url', `url = ''`, 'blocked'),
  subscription('a url that is none', `url = 'receiver'`, 'blocked'),
  subscription('a url of another protocol', `url = 'ftp://receiver.example/'`, 'blocked'),
  subscription('a url of a script', `url = 'javascript:alert(1)'`, 'blocked'),
  subscription('half a url', `url = 'https://[::1'`, 'blocked'),
  subscription('no secret', `secrets = '[]'`),
  subscription('an empty secret', `secrets = '[{"value":"","createdAt":0,"expiresAt":null}]'`),
  subscription('a secret of no kind', `secrets = '[{"value":"open sesame","createdAt":0,"expiresAt":null}]'`),
  subscription('a secret that is no text', `secrets = '[{"value":5,"createdAt":0,"expiresAt":null}]'`),
  subscription(
    'a secret of an unknown key',
    `secrets = '[{"value":"sealed:v9:none:AAAA","createdAt":0,"expiresAt":null}]'`,
  ),
  subscription(
    'secrets that have expired',
    `secrets = '[{"value":"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","createdAt":0,"expiresAt":1}]'`,
  ),
  subscription('secrets of null', `secrets = 'null'`),
  subscription('secrets as an object', `secrets = '{}'`),
  subscription('secrets that are no JSON', `secrets = '[{'`),
  subscription('a list of no secrets', `secrets = '[null]'`),
  subscription('an unknown algorithm', `settings = '{"signing":[{"spec":{"scheme":"rot13"}}]}'`),
  subscription('signing that is no list', `settings = '{"signing":5}'`),
  subscription('no scheme', `settings = '{"signing":[]}'`),
  subscription('a scheme of nothing', `settings = '{"signing":[{}]}'`),
  subscription(
    'a scheme that has ended',
    `settings = '{"signing":[{"spec":{"scheme":"standard"},"until":1}]}'`,
  ),
  subscription('settings that are no JSON', `settings = '{'`),
  subscription('settings of null', `settings = 'null'`),
  subscription('settings as a list', `settings = '[]'`),
  subscription('a schedule that is none', `settings = '{"retry":5}'`),
  subscription('headers that are no JSON', `headers = '{'`),
  subscription('headers of null', `headers = 'null'`),
  subscription('a header of a number', `headers = '{"x-a":5}'`),
  subscription('a header that is ours', `headers = '{"webhook-id":"mine"}'`),
  subscription('a header of the connection', `headers = '{"host":"elsewhere"}'`),
  subscription('a header without a name', `headers = '{"a b":"c"}'`),
  subscription('patterns that are no JSON', `events = '['`, 'told'),
  subscription('patterns of null', `events = 'null'`, 'told'),
  subscription('a pattern of a number', `events = '[5]'`, 'told'),
  subscription('a state of a newer version', `state = 'frozen'`, 'held'),
  subscription('metadata that is no JSON', `metadata = '{'`),
  subscription('conditions that are no JSON', `conditions = '{'`),
  subscription('a filter of a newer version', `settings = '{"filter":{"operator":"new"}}'`, 'told'),
  event('a body that is gone', `body = null`, 'refused'),
  event('settings of the event that are no JSON', `settings = '{'`),
  event('settings of the event of null', `settings = 'null'`),
  event('a schedule of the event that is none', `settings = '{"retry":5}'`),
  event('metadata of the event that is no JSON', `metadata = '{'`),
  { name: 'work of a newer kind', table: 'queue', set: 'kind = 9', becomes: 'left' },
]

export const brokenRows: Scenario = {
  number: 51,
  name: 'broken rows',
  kinds: ['postgres', 'mysql', 'sqlite'],
  async run(bench, kind) {
    const place = await bench.place(kind)
    if (place === null) return noServer(kind)
    const told: string[] = []
    const hooks = { problem: ({ error }: { error: { code: string } }) => void told.push(error.code) }
    const { sides, opened } = await bothSides(bench, kind, place, { hooks })
    const { webhooks, transport } = sides[1]
    const copies = bench.full ? 10 : 1
    const broken = Array.from({ length: copies }, (_, copy) =>
      KINDS.map((one, nth) => ({ ...one, tenant: `broken-${copy}-${nth}` })),
    ).flat()
    const healthy = broken.map(({ tenant }) => `healthy-${tenant}`)
    for (const tenantId of [...broken.map(({ tenant }) => tenant), ...healthy])
      await publishOne(webhooks, tenantId)
    const table = (name: string) => (/^postgres/.test(place.url) ? `posthorn.${name}` : `posthorn_${name}`)
    for (const { table: name, set, tenant } of broken)
      await opened.query(`update ${table(name)} set ${set} where tenant_id = '${tenant}'`)
    for (let round = 0; round < 3; round++) await webhooks.drain()
    const sent = new Map<string, number>()
    for (const { url } of transport.requests) sent.set(url, (sent.get(url) ?? 0) + 1)
    const problems: string[] = []
    for (const { tenant, name, becomes } of broken) {
      const { items } = await webhooks.deliveries.list({ tenantId: tenant })
      const found = items
        .map(({ state, reason, lastFailure }) => `${state} ${reason ?? lastFailure}`)
        .join(', ')
      if (found !== LISTED[becomes]) problems.push(`${name}: "${found}" is listed, not "${LISTED[becomes]}"`)
      const requests = sent.get(urlOf(tenant)) ?? 0
      if (requests > 0) problems.push(`${name}: sent ${requests} times`)
      const { due, scheduled } = await opened.store.backlog({ tenant })
      if (due + scheduled !== (becomes === 'left' || becomes === 'blocked' ? 1 : 0))
        problems.push(`${name}: ${due + scheduled} rows are queued`)
    }
    const wanted = broken.filter(({ becomes }) => becomes === 'quarantined' || becomes === 'told').length
    if (told.length < wanted) problems.push(`the hook heard of ${told.length} of ${wanted}`)
    const lost = healthy.filter((tenantId) => sent.get(urlOf(tenantId)) !== 1).length
    if (lost > 0) problems.push(`lost ${lost} of ${healthy.length} neighbours`)
    return { problems, figures: { lost, broken: broken.length, neighbours: healthy.length } }
  },
}

/** What the list of deliveries says. */
const LISTED: Readonly<Record<Becomes, string>> = {
  quarantined: 'failed quarantined',
  refused: 'failed refused',
  told: '',
  blocked: 'pending blocked',
  held: 'pending null',
  left: '',
}

const urlOf = (tenantId: string) => `https://receiver.example/${tenantId}`

async function publishOne(webhooks: Webhooks, tenantId: string): Promise<void> {
  await webhooks.subscriptions.create({ tenantId, url: urlOf(tenantId), events: ['order.*'] })
  await webhooks.publish('order.paid', { tenantId }, { tenantId })
}
