/**
 * Publishes and delivers over a SQLite file on a file system of 8 MB that is nobody else's (`DISK`): fills it, looks at what is
 * refused and sent meanwhile, makes room again. Says what it found to its parent.
 */
import { once } from 'node:events'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { openStore } from '../../../src/cli/open-store.ts'
import { createWebhooks, schedule } from '../../../src/index.ts'

const BALLAST = Buffer.alloc(4_096, 1)
const IN_FLIGHT = 5
const PATIENCE_MS = 30_000

export async function runDiskFull(): Promise<void> {
  const { folder, fullMs, times } = JSON.parse(process.env.DISK ?? '{}')
  const sent = new Map<number, number>()
  let requests = 0
  let tries = 0
  let answers: (() => void)[] | null = null
  const receiver = createServer((request, response) => {
    requests += 1
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      const { id } = JSON.parse(body).data
      sent.set(id, (sent.get(id) ?? 0) + 1)
      const answer = () => void response.writeHead(204).end()
      if (answers === null) answer()
      else answers.push(answer)
    })
  })
  receiver.listen(0, '127.0.0.1')
  await once(receiver, 'listening')
  const { port } = receiver.address() as AddressInfo

  const opened = await openStore({ url: `sqlite:${folder}/app.db` })
  let errors = 0
  const store = {
    ...opened.store,
    record(outcomes: Parameters<typeof opened.store.record>[0]) {
      tries += 1
      return opened.store.record(outcomes)
    },
  }
  const webhooks = createWebhooks({
    store,
    allowHttp: true,
    allowCidrs: ['127.0.0.0/8'],
    // What was in flight keeps its lease until there is room again.
    timeoutMs: Math.min(30_000, 2_000 + fullMs),
    retry: schedule(Array.from({ length: 20 }, () => '1s' as const)),
    logger: {
      ...{ debug() {}, info() {}, warn() {} },
      error() {
        errors += 1
      },
    },
  })
  await webhooks.migrate()
  await webhooks.subscriptions.create({ tenantId: 'acme', url: `http://127.0.0.1:${port}/` })
  await webhooks.start()
  const publish = (id: number) =>
    webhooks.publish('order.paid', { id, text: 'x'.repeat(2_000) }, { tenantId: 'acme' })
  const arrived = async (ids: readonly number[]): Promise<boolean> => {
    for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await pause(20)) {
      if (ids.every((id) => sent.has(id))) return true
    }
    return false
  }

  const problems: string[] = []
  const accepted: number[] = []
  let refused = 0
  let slowestMs = 0
  let mostTries = 0
  let requestsWhileFull = 0
  for (let time = 0; time < times; time++) {
    for (let id = 0; id < 20; id++) {
      await publish(1_000 * time + id)
      accepted.push(1_000 * time + id)
    }
    if (!(await arrived(accepted))) problems.push('not all had arrived before the disk was filled')
    await webhooks.drain()
    const held: (() => void)[] = []
    answers = held
    for (let id = 20; id < 20 + IN_FLIGHT; id++) {
      await publish(1_000 * time + id)
      accepted.push(1_000 * time + id)
    }
    if (!(await arrived(accepted))) problems.push('not all were in flight before the disk was filled')
    await opened.query('pragma wal_checkpoint(truncate)')
    const ballast = openSync(`${folder}/ballast`, 'a')
    try {
      for (;;) writeSync(ballast, BALLAST)
    } catch {
      closeSync(ballast)
    }
    const before = requests
    tries = 0
    answers = null
    for (const answer of held) answer()
    const stored = new Set<number>()
    for (const until = Date.now() + fullMs; Date.now() < until; await pause(100)) {
      const id = 1_000 * time + 500 + (refused % 400)
      const code = await publish(id).then(
        () => 'stored',
        (error) => String(error.code),
      )
      if (code === 'STORE_FULL') refused += 1
      else if (code === 'stored') stored.add(id)
      else problems.push(`a publish on a full disk was refused with ${code}`)
    }
    requestsWhileFull = requests - before
    if (requestsWhileFull > stored.size) {
      problems.push(
        `${requestsWhileFull} requests were sent while the disk was full, ${stored.size} published`,
      )
    }
    mostTries = Math.max(mostTries, tries)
    if (tries > (2 * fullMs) / 1_000 + IN_FLIGHT) problems.push(`${tries} tries to store an outcome`)
    rmSync(`${folder}/ballast`)
    const begun = performance.now()
    accepted.push(...stored, 1_000 * time + 999)
    for (;;) {
      const done = await publish(1_000 * time + 999).then(
        () => true,
        () => false,
      )
      if (done || performance.now() - begun > PATIENCE_MS) break
      await pause(50)
    }
    if (!(await arrived(accepted))) problems.push('not all has arrived after there was room again')
    slowestMs = Math.max(slowestMs, performance.now() - begun)
  }
  const known = new Set(accepted)
  const unexpected = [...sent.keys()].filter((id) => !known.has(id)).length
  const duplicated = [...sent.values()].filter((count) => count > 1).length
  if (unexpected > 0) problems.push(`${unexpected} refused events were sent`)
  if (duplicated > 0) problems.push(`${duplicated} events were sent twice`)
  if (refused === 0) problems.push('no publish was refused: the disk was not full')
  if (errors > 3 * times) problems.push(`${errors} lines of errors`)
  await webhooks.drain()
  await webhooks.stop()
  const { total } = await opened.store.listDeliveries(
    { tenant: ['acme'], state: 'succeeded' },
    { limit: 1, total: true },
  )
  if (total !== known.size) problems.push(`${total} of ${known.size} deliveries are recorded as succeeded`)
  const [checked] = await opened.query('pragma integrity_check')
  if (Object.values(checked ?? {})[0] !== 'ok') problems.push(`integrity_check: ${JSON.stringify(checked)}`)
  await opened.close()
  receiver.closeAllConnections()
  receiver.close()
  process.send?.({
    problems,
    figures: {
      refused,
      'sent while full': requestsWhileFull,
      'tries to store': mostTries,
      'back after ms': Math.round(slowestMs),
      errors,
    },
  })
  process.disconnect?.()
}
