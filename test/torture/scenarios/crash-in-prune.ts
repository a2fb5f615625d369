/** A worker that dies in the middle of pruning: all of an event's history stays, or none; the next one prunes it. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { StorePlace } from '../../../src/cli/open-store.ts'
import type { Bench } from '../scenario.ts'
import type { CrashFindings } from './crash-points.ts'
import { endOf, openSender, startCrashWorker, until } from './crash-worker.ts'

const TENANT = { tenantId: 'acme' }
const OLD = 3
const HOUR_US = 3_600_000_000
const REMOVE_ATTEMPTS = '^\\s*delete\\b.*attempts'

/** What is kept is owed to a paused subscription: it is as old as the rest, and must outlive it. */
export async function crashInPrune(bench: Bench, place: StorePlace): Promise<CrashFindings> {
  const { opened, webhooks } = await openSender(bench, place)
  let answered = 0
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      answered += 1
      response.writeHead(204).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  bench.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  await webhooks.subscriptions.create({ ...TENANT, url, events: ['old'] })
  const { subscription } = await webhooks.subscriptions.create({ ...TENANT, url, events: ['kept'] })
  await webhooks.subscriptions.pause(subscription.id, TENANT)
  for (let index = 0; index < OLD; index++) await webhooks.publish('old', { index }, TENANT)
  await webhooks.publish('kept', {}, TENANT)
  await webhooks.drain()
  const table = (name: string) => (/^postgres/.test(place.url) ? `posthorn.${name}` : `posthorn_${name}`)
  const age = (...columns: string[]) => columns.map((name) => `${name} = ${name} - ${HOUR_US}`).join(', ')
  await opened.query(`update ${table('events')} set ${age('published_at', 'due_at')}`)
  await opened.query(`update ${table('deliveries')} set ${age('created_at', 'updated_at', 'ended_at')}`)

  const rows = async () => {
    const [events, deliveries, attempts] = await Promise.all([
      webhooks.events.list(TENANT),
      webhooks.deliveries.list(TENANT),
      webhooks.attempts.list(TENANT),
    ])
    return [events, deliveries, attempts].map(({ items }) => items.length).join(' ')
  }
  const victim = startCrashWorker(bench, place, { statement: REMOVE_ATTEMPTS, prunes: true })
  const died = (await endOf(victim)) === 'SIGKILL'
  const all = `${OLD + 1} ${OLD + 1} ${OLD}`
  const back = await until(async () => (await rows()) === all)
  const left = await rows()
  const end = await endOf(startCrashWorker(bench, place, { prunes: true }))
  const pruned = await rows()
  await webhooks.subscriptions.resume(subscription.id, TENANT)
  await webhooks.drain()
  const lost = OLD + 1 - answered
  const problems = [
    ...(died ? [] : ['the worker never came there']),
    ...(back ? [] : [`of "${all}" events, deliveries and attempts "${left}" are left`]),
    ...(end === 0 ? [] : [`the next worker ended with ${end}`]),
    ...(pruned === '1 1 0' ? [] : [`after the next one there are "${pruned}", not "1 1 0"`]),
    ...(lost === 0 ? [] : [`answered ${answered} times, not ${OLD + 1}`]),
  ].map((problem) => `inside prune: ${problem}`)
  return { answered, duplicated: Math.max(0, -lost), lost: Math.max(0, lost), problems }
}
