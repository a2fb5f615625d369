/**
 * Words of a newer version in the tables that this one shares with it, on real databases: they are shown as they are, nothing is
 * done because of them, and nobody else notices.
 */
import { expect, it } from 'vitest'
import { createHandler } from '../../src/http/index.ts'
import { anyTenant } from '../../src/index.ts'
import { describeOnEach, type SetupOn } from '../support/each-database.ts'

const ACME = { tenantId: 'acme' }
const WORD = 'zz_newer'
const BAD = 'https://bad.example/'

/** What reads the rows of a table: calls of the library, and paths of the API. */
const shownBy = {
  subscriptions: ['/subscriptions', '/subscriptions/{subscription}'],
  deliveries: ['/deliveries', '/deliveries/{delivery}'],
  attempts: ['/attempts', '/deliveries/{delivery}/attempts'],
} as const
/** Every list and every statistic, whatever was written. */
const EVERY = [
  ...['/subscriptions', '/deliveries', '/attempts', '/events', '/jobs', '/stats', '/health', '/jobs/{job}'],
  ...['/subscriptions/{subscription}', '/subscriptions/{subscription}/stats', '/deliveries/{delivery}'],
]

const columns = [
  ...(['state', 'paused_by', 'disabled_reason'] as const).map((column) => ['subscriptions', column] as const),
  ...(['state', 'reason', 'last_failure'] as const).map((column) => ['deliveries', column] as const),
  ...(['cause', 'outcome', 'failure'] as const).map((column) => ['attempts', column] as const),
]
const settings = ['ordering', 'onGivenUp'] as const
const words = ['kind', 'state'] as const

/** A delivery that waits for its retry, one that was delivered, and a job; with the API, and the way past the door. */
async function lab(setupOn: SetupOn) {
  const problems: string[] = []
  let status = 500
  const made = await setupOn({
    breaker: false,
    answer: ({ url }) => (url === BAD ? status : 204),
    hooks: { problem: ({ error }) => problems.push(error.message) },
  })
  const { webhooks, clock, sql } = made
  const { subscription } = await made.subscribe('acme', { url: BAD, id: 'sub_bad' })
  await made.subscribe('acme', { url: 'https://good.example/' })
  await made.subscribe('other', { url: 'https://other.example/' })
  for (const tenantId of ['acme', 'other']) await webhooks.publish('a', {}, { tenantId })
  await webhooks.drain()
  const [waiting] = (await webhooks.deliveries.list({ ...ACME, subscriptionId: subscription.id })).items
  const { jobId } = await webhooks.deliveries.cancel({ ...ACME, event: 'evt_none' })
  const ids = { subscription: subscription.id, delivery: waiting?.id ?? '', job: jobId }
  const unexpected: unknown[] = []
  const handler = createHandler(webhooks, {
    ...{ authorize: () => ({ role: 'admin', tenantId: anyTenant }) as const, clock },
    onError: (error) => unexpected.push(error),
  })
  const read = async (path: string) => {
    const place = path.replace(/\{(\w+)\}/, (_, name: keyof typeof ids) => encodeURIComponent(ids[name]))
    const answer = await handler(new Request(`http://api.test${place}`))
    return { path, status: answer.status, text: await answer.text() }
  }
  /** Writes past the door, and makes it known to the processes that keep the tenant's subscriptions, as every version does. */
  const write = async (table: string, column: string, value: string, where: string) => {
    await sql.run(`update ${sql.table(table)} set ${column} = '${value}' where ${where}`)
    await sql.run(`update ${sql.table('tenants')} set version = version + 1`)
  }
  const idsOf = { subscriptions: `id = '${ids.subscription}'`, deliveries: `id = '${ids.delivery}'` }
  const where = { ...idsOf, attempts: `delivery_id = '${ids.delivery}'` }
  const sent = () => made.transport.requests.map(({ url }) => new URL(url).hostname)
  const recover = () => {
    status = 204
  }
  return { ...made, ids, read, write, where, sent, recover, problems, unexpected }
}

/** Every list goes on, and the neighbours get what is published now. */
async function expectNeighbours({ webhooks, read, sent, unexpected }: Awaited<ReturnType<typeof lab>>) {
  for (const path of EVERY) expect(await read(path)).toMatchObject({ path, status: 200 })
  expect(unexpected).toEqual([])
  const before = sent().length
  for (const tenantId of ['acme', 'other']) await webhooks.publish('a', {}, { tenantId })
  await webhooks.drain()
  expect(sent().slice(before)).toEqual(expect.arrayContaining(['good.example', 'other.example']))
  for (const list of [webhooks.subscriptions, webhooks.deliveries, webhooks.attempts])
    expect((await list.list({ tenantId: anyTenant })).items.length).toBeGreaterThanOrEqual(3)
}

const jobOf = (change: object) =>
  JSON.stringify({
    ...{ kind: 'cancel', order: { eventId: 'evt_none' }, state: 'running', message: null, looked: 0 },
    ...{ affected: 0, skipped: 0, cursor: null, stuck: 0, startedAt: 1, updatedAt: 1, endedAt: null },
    ...change,
  })

describeOnEach((setupOn) => {
  it.each(columns)('shows a word of a newer version in %s.%s as it is', async (table, column) => {
    const made = await lab(setupOn)
    await made.write(table, column, WORD, made.where[table])
    for (const path of shownBy[table]) {
      const { status, text } = await made.read(path)
      expect({ path, status, shown: text.includes(`"${WORD}"`) }).toEqual({ path, status: 200, shown: true })
    }
    await expectNeighbours(made)
  })

  it.each(settings)('shows a word of a newer version in the setting `%s` as it is', async (name) => {
    const made = await lab(setupOn)
    await made.write('subscriptions', 'settings', JSON.stringify({ [name]: WORD }), made.where.subscriptions)
    const { [name]: shown } = await made.webhooks.subscriptions.get(made.ids.subscription, ACME)
    expect(shown).toBe(WORD)
    await expectNeighbours(made)
  })

  it.each(words)('shows a job with a `%s` of a newer version, and leaves it where it is', async (name) => {
    const made = await lab(setupOn)
    const { webhooks, ids, clock, problems } = made
    await made.write('queue', 'job', jobOf({ [name]: WORD }), 'kind = 2')
    await webhooks.drain()
    await clock.advance(120_000)
    await webhooks.drain()
    const shown = await webhooks.jobs.get(ids.job, ACME)
    expect(shown).toMatchObject({ id: ids.job, [name]: WORD, endedAt: null, looked: 0 })
    expect((await webhooks.jobs.list(ACME)).items).toEqual([shown])
    expect(problems).toContainEqual(expect.stringContaining('newer version'))
    await expectNeighbours(made)
  })

  it('gives a queue row of a kind of a newer version back, uncounted, to be taken some seconds later', async () => {
    const made = await lab(setupOn)
    const { store, clock, ids } = made
    const kind = (from: number, to: number) =>
      made.sql.run(`update ${made.sql.table('queue')} set kind = ${to} where kind = ${from}`)
    const claim = async (alone: boolean) => {
      const share = { limit: 100, perTenant: 100, perSubscription: 100, shares: new Map() }
      const request = { token: crypto.randomUUID(), leaseMs: 30_000, alone, ...share }
      return (await store.claim(request)).work.flatMap((work) => (work.kind === 'job' ? [work] : []))
    }
    await kind(2, 7)
    for (let turn = 0; turn < 12; turn++) {
      expect(await claim(turn % 2 === 1)).toEqual([])
      await clock.advance(3_000)
    }
    const before = made.sent().length
    await made.webhooks.publish('a', {}, ACME)
    await made.webhooks.drain()
    expect(made.sent().slice(before)).toContain('good.example')
    await clock.advance(5_000)
    expect(await claim(false)).toEqual([])
    await kind(7, 2)
    await clock.advance(4_999)
    expect(await claim(false)).toEqual([])
    await clock.advance(1)
    expect(await claim(false)).toMatchObject([{ claim: { row: ids.job }, lostClaims: 0, lostAlone: 0 }])
  })

  it('sends nothing, not even a test, to a subscription in a state of a newer version, and loses nothing', async () => {
    const made = await lab(setupOn)
    const { webhooks, clock, ids, sent } = made
    await made.write('subscriptions', 'state', WORD, made.where.subscriptions)
    const toBad = () => sent().filter((host) => host === 'bad.example').length
    expect(toBad()).toBe(1)
    made.recover()
    await expectNeighbours(made)
    await webhooks.subscriptions.test(ids.subscription, ACME)
    await clock.advance(3_600_000)
    await webhooks.drain()
    expect(toBad()).toBe(1)
    const held = (await webhooks.deliveries.list({ ...ACME, subscriptionId: ids.subscription })).items
    expect(held).toHaveLength(3)
    for (const delivery of held) expect(delivery).toMatchObject({ state: 'pending', held: true })
    await made.write('subscriptions', 'state', 'active', made.where.subscriptions)
    await clock.advance(60_000)
    await webhooks.drain()
    expect(toBad()).toBe(4)
    const { items } = await webhooks.deliveries.list({ ...ACME, state: 'succeeded' })
    expect(items.filter(({ subscriptionId }) => subscriptionId === ids.subscription)).toHaveLength(3)
  })

  it('leaves a delivery in a state of a newer version alone, until that is through with it', async () => {
    const made = await lab(setupOn)
    const { webhooks, clock, ids, sent, problems } = made
    await made.write('deliveries', 'state', WORD, made.where.deliveries)
    const row = () => made.store.getDelivery('acme', ids.delivery)
    const before = await row()
    made.recover()
    await clock.advance(3_600_000)
    await webhooks.drain()
    expect(sent().filter((host) => host === 'bad.example')).toHaveLength(1)
    expect(before).toMatchObject({ state: WORD, attemptCount: 1 })
    expect(await row()).toEqual(before)
    expect(problems).toContainEqual(expect.stringContaining('newer version'))
    await expectNeighbours(made)
    await made.write('deliveries', 'state', 'pending', made.where.deliveries)
    await clock.advance(120_000)
    await webhooks.drain()
    expect(await webhooks.deliveries.get(ids.delivery, ACME)).toMatchObject({ state: 'succeeded' })
  })

  it('prunes no delivery in a state of a newer version, and cancels it with its subscription', async () => {
    const made = await lab(setupOn)
    const { webhooks, store, clock, ids } = made
    await made.write('deliveries', 'state', WORD, made.where.deliveries)
    await clock.advance(86_400_000)
    await made.sql.run(`update ${made.sql.table('queue')} set event_id = 'evt_other' where kind = 1`)
    await store.prune({ finishedAgeMs: 1, bodyAgeMs: 1, keyAgeMs: 1, limit: 100 })
    const known = await store.getDelivery('acme', ids.delivery)
    expect(known).toMatchObject({ state: WORD })
    expect(await webhooks.events.get(known?.eventId ?? '', ACME)).toMatchObject({ body: expect.any(String) })
    await webhooks.subscriptions.delete(ids.subscription, ACME)
    expect(await store.getDelivery('acme', ids.delivery)).toMatchObject({ state: 'cancelled' })
  })
})
