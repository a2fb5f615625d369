/** One event, the worker that dies on its way, and the one that finishes it. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { StorePlace } from '../../../src/cli/open-store.ts'
import type { Bench } from '../scenario.ts'
import type { CrashFindings, Point } from './crash-points.ts'
import { endOf, openSender, startCrashWorker, until } from './crash-worker.ts'

const TENANT = { tenantId: 'acme' }

/** Answers are counted by path; what it gets before the worker's death it treats as the point says. */
async function startReceiver(bench: Bench, point: Point, kill: () => void) {
  const state = { dead: false, answers: [] as string[] }
  const server = createServer((request, response) => {
    const before = !state.dead && state.answers.length < (point.answersBefore ?? 1)
    const answer = () => {
      if (response.socket?.destroyed !== false) return
      state.answers.push(request.url ?? '')
      response.writeHead(before ? (point.status ?? 204) : 204).end()
    }
    if (!before && !state.dead && point.answersBefore !== undefined) return void request.resume()
    if (!before || point.moment === undefined) return void request.resume().on('end', answer)
    if (point.moment === 'request line') return kill()
    request.resume().on('end', () => {
      if (point.moment === 'headers') {
        state.answers.push(request.url ?? '')
        response.writeHead(200, { 'content-length': '2' }).write('o')
      }
      kill()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  bench.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { state, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

export async function crashOnTheWay(bench: Bench, place: StorePlace, point: Point): Promise<CrashFindings> {
  const { webhooks } = await openSender(bench, place)
  let kill = (): void => {}
  const { state, url } = await startReceiver(bench, point, () => kill())
  const count = point.subscriptions ?? 1
  for (let index = 0; index < count; index++)
    await webhooks.subscriptions.create({ ...TENANT, url: `${url}/${index}` })
  await webhooks.publish('crash.point', { text: 'x'.repeat(200) }, TENANT)

  const victim = startCrashWorker(bench, place, point.crash)
  kill = () => void victim.kill('SIGKILL')
  const died = (await endOf(victim)) === 'SIGKILL'
  state.dead = true
  startCrashWorker(bench, place)
  const states = async () => (await webhooks.deliveries.list(TENANT)).items.map(({ state }) => state)
  await until(async () => {
    const now = await states()
    return now.length === count && !now.includes('pending')
  })
  const wanted = point.status === 410 ? 'failed' : 'succeeded'
  const ended = await states()
  const { items: attempts } = await webhooks.attempts.list(TENANT)
  const numbers = attempts.filter(({ number }) => number !== 1).length
  const answered = state.answers.length
  const lost = count - new Set(state.answers).size
  const problems = [
    ...(died ? [] : ['the worker never came there']),
    ...(answered === point.answered ? [] : [`answered ${answered} times, not ${point.answered}`]),
    ...(lost === 0 ? [] : [`lost ${lost}`]),
    ...(ended.length === count && ended.every((one) => one === wanted)
      ? []
      : [`the deliveries are ${ended.join(', ')}, not ${count} × ${wanted}`]),
    ...(attempts.length - numbers === count
      ? []
      : [`${attempts.length - numbers} first attempts, not ${count}`]),
  ].map((problem) => `${point.name}: ${problem}`)
  return { answered, duplicated: Math.max(0, answered - count), lost, problems }
}
