/** Rows that were written past the door, read over the management API: shown as far as they can be, and never a 500. */
import { DatabaseSync } from '@photostructure/sqlite'
import { expect, it, onTestFinished } from 'vitest'
import { createHandler } from '../../src/http/index.ts'
import { sqliteStore } from '../../src/stores/sqlite.ts'
import { manualClock } from '../../src/testing/manual-clock.ts'
import { setup } from '../support/setup.ts'
import { type BadRow, badDeliveries, badDestinations, badEvents, badSubscriptions } from './bad-rows.ts'

const ACME = { tenantId: 'acme' }

/** One subscription, one event and two deliveries that wait, behind the API. */
async function lab() {
  const clock = manualClock()
  const client = new DatabaseSync(':memory:')
  onTestFinished(() => client.close())
  const unexpected: unknown[] = []
  const made = setup({ clock, store: sqliteStore({ client, clock }) as never, answer: () => 500 })
  await made.webhooks.migrate()
  const handler = createHandler(made.webhooks, {
    ...{ authorize: () => ({ role: 'admin', ...ACME }) as const, clock },
    onError: (error) => unexpected.push(error),
  })
  const { subscription } = await made.subscribe()
  const event = await made.webhooks.publish('a', {}, ACME)
  await made.webhooks.publish('a', {}, { ...ACME, to: { url: 'https://once.example' } })
  await made.webhooks.drain()
  const { items } = await made.webhooks.deliveries.list(ACME)
  const [once, delivery] = [null, subscription.id].map((owner) =>
    items.find(({ subscriptionId }) => subscriptionId === owner),
  )
  const ids = { subscriptions: subscription.id, events: event.id, deliveries: delivery?.id ?? '' }
  const paths = [
    ...Object.entries(ids).flatMap(([list, id]) => [`/${list}`, `/${list}/${id}`]),
    ...[`/deliveries/${once?.id}`, `/deliveries/${ids.deliveries}/attempts`, '/attempts', '/stats'],
    `/subscriptions/${ids.subscriptions}/stats`,
  ]
  const write = (table: string, { column, value }: BadRow, id: string) => {
    client.prepare(`update posthorn_${table} set ${column} = ? where id = ?`).run(value, id)
  }
  const read = async (path: string) => (await handler(new Request(`http://api.test${path}`))).status
  return { ids, once: once?.id ?? '', paths, write, read, unexpected }
}

/** What changes nothing about sending, but could stop a reader. */
const harmless = ['paused_by', 'disabled_reason'].map((column) => ({
  table: 'subscriptions' as const,
  row: { what: 'of no known kind', column, value: 'asleep', comes: 'to nothing' } satisfies BadRow,
}))

const kinds = [
  ...harmless,
  ...badSubscriptions.map((row) => ({ row, table: 'subscriptions' }) as const),
  ...badEvents.map((row) => ({ row, table: 'events' }) as const),
  ...badDeliveries.map((row) => ({ row, table: 'deliveries' }) as const),
  ...badDestinations.map((row) => ({ row, table: 'deliveries', once: true }) as const),
]

it.each(kinds.map((kind) => [`${kind.table}.${kind.row.column}: ${kind.row.what}`, kind] as const))(
  '%s',
  async (_name, kind) => {
    const { ids, once, paths, write, read, unexpected } = await lab()
    write(kind.table, kind.row, 'once' in kind ? once : ids[kind.table])
    for (const path of paths) expect([path, await read(path)]).toEqual([path, 200])
    expect(unexpected).toEqual([])
  },
)
