/**
 * `npm run demo [-- --store sqlite|postgres|memory]`: the main job on real input. A sender process publishes every GitHub payload for four tenants; a
 * receiver process with twenty receivers (healthy, slow, failing, down, gone) verifies them and keeps a ledger. This
 * process counts what is due by itself and ends with status 1 when the ledger does not add up.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { expect } from './expectation.ts'
import { ledgerOf } from './ledger.ts'
import type { FromReceivers, FromSender, ToReceivers, ToSender } from './messages.ts'
import { readPayloads } from './payloads.ts'
import { plan, tenants } from './plan.ts'
import { drawProgress, type Progress } from './progress.ts'
import { chosenStore, makePlace, STORES } from './stores.ts'

/** Far more than it takes: a busy machine is no reason for a ledger that does not add up. */
const GIVE_UP_MS = 60_000

/** A child process that speaks: `on` hears every message, `next` waits for one kind. */
function spawn<In extends { kind: string }, Out extends object>(file: string, argv: readonly string[] = []) {
  const child: ChildProcess = fork(new URL(file, import.meta.url), argv, { stdio: 'inherit' })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const died = new Promise<never>((_, reject) => {
    child.once('exit', (code) => reject(new Error(`${file} ended with status ${code}`)))
  })
  died.catch(() => {})
  return {
    tell: (message: Out) => child.send(message),
    on: (hear: (message: In) => void) => void child.on('message', (message) => hear(message as In)),
    next: <Kind extends In['kind']>(kind: Kind): Promise<Extract<In, { kind: Kind }>> =>
      Promise.race([
        died,
        new Promise<Extract<In, { kind: Kind }>>((resolve) => {
          child.on('message', (message) => {
            if ((message as In).kind === kind) resolve(message as Extract<In, { kind: Kind }>)
          })
        }),
      ]),
    end: () => child.connected && child.disconnect(),
    ended,
  }
}

const store = chosenStore(process.argv.slice(2))
if (store === null) {
  console.error(`usage: npm run demo -- --store ${STORES.join('|')}`)
  process.exit(2)
}
const place = await makePlace(store)
const receivers = spawn<FromReceivers, ToReceivers>('./receivers.ts')
const sender = spawn<FromSender, ToSender>('./sender.ts', [store, place.address])
const listening = receivers.next('listening')
const subscribed = sender.next('subscribed')

const payloads = readPayloads()
const expected = expect(payloads)
console.log(
  `${store}: ${payloads.length} GitHub payloads × ${tenants.length} tenants → ${plan.length} subscriptions, ${expected.due.size} webhooks due`,
)

sender.tell({ kind: 'subscribe', urls: (await listening).urls })
receivers.tell({ kind: 'secrets', secrets: (await subscribed).secrets })

const progress: Progress = { published: 0, attempts: 0, accepted: 0, succeeded: 0 }
const stopDrawing = drawProgress(progress, expected.due.size)
const settled = new Promise<void>((resolve) => {
  const giveUp = setTimeout(resolve, GIVE_UP_MS)
  const check = (): void => {
    if (progress.accepted < expected.due.size || progress.succeeded < expected.due.size) return
    clearTimeout(giveUp)
    resolve()
  }
  sender.on((message) => {
    if (message.kind !== 'progress') return
    const { published, attempts, succeeded } = message
    Object.assign(progress, { published, attempts, succeeded })
    check()
  })
  receivers.on((message) => {
    if (message.kind !== 'progress') return
    progress.accepted = message.accepted
    check()
  })
})
sender.tell({ kind: 'publish' })
await settled

sender.tell({ kind: 'report' })
const { report } = await sender.next('report')
receivers.tell({ kind: 'report' })
const { ledger: received } = await receivers.next('ledger')
stopDrawing()
receivers.end()
await sender.ended
await place.remove()

const ledger = ledgerOf(expected, received, report)
console.log(`\n${ledger.lines.join('\n')}\n`)
for (const complaint of ledger.complaints) console.error(`DOES NOT ADD UP  ${complaint}`)
if (ledger.complaints.length === 0)
  console.log('Every webhook that was due arrived once, verified and unchanged.')
process.exitCode = ledger.complaints.length === 0 ? 0 : 1
