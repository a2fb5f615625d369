/**
 * A link to a Postgres that ends the connection on which something is about to become durable: before the statement (or the
 * transaction's COMMIT) is forwarded, or after the server has answered it and before the client hears of it.
 */
import type { Bench } from '../scenario.ts'
import { startTcpProxy } from './tcp-proxy.ts'

/** What becomes durable. */
export type Step = 'publish' | 'claim' | 'outcome'
/** Nothing has happened, or all of it. */
export type Moment = 'before' | 'after'

export interface CuttingLink {
  /** The server's URL, by way of the link. */
  readonly url: string
  /** Cuts the next one; resolves when it is cut. Another call takes the place of one that is still waiting. */
  cut(step: Step, moment: Moment): Promise<void>
}

const TEXTS: readonly (readonly [Step, RegExp])[] = [
  ['publish', /insert into \S*events"? \(sequence/],
  ['claim', /with q as \(\s*update \S*queue/],
  ['outcome', /insert into \S*attempts"? \(tenant_id/],
]
const BEGIN = /\bbegin isolation level/
const END = /[^a-z](commit|rollback)\0/
/** The server has answered all that it was sent: ReadyForQuery is the last message. */
const isAnswered = (data: Buffer): boolean => data.at(-6) === 90 && data.readUInt32BE(data.length - 5) === 5

export async function startCuttingLink(bench: Pick<Bench, 'after'>, target: string): Promise<CuttingLink> {
  let wanted: { readonly step: Step; readonly moment: Moment; readonly done: () => void } | null = null

  const url = await startTcpProxy(bench, target, (client, upstream) => {
    let inTransaction = false
    /** What the transaction has done so far that counts. */
    let step: Step | null = null
    let swallowed: (() => void) | null = null

    client.on('data', (data) => {
      const text = data.toString('latin1')
      if (BEGIN.test(text)) {
        inTransaction = true
        step = null
      }
      step = TEXTS.find(([, pattern]) => pattern.test(text))?.[0] ?? (inTransaction ? step : null)
      const ends = END.exec(text)?.[1]
      const isDurable = inTransaction ? ends === 'commit' : step !== null
      if (ends !== undefined) inTransaction = false
      if (isDurable && wanted !== null && wanted.step === step) {
        const { moment, done } = wanted
        wanted = null
        if (moment === 'before') {
          client.destroy()
          upstream.destroy()
          return done()
        }
        swallowed = done
      }
      upstream.write(data)
    })
    upstream.on('data', (data) => {
      if (swallowed === null) return void client.write(data)
      if (!isAnswered(data)) return
      client.destroy()
      swallowed()
    })
    client.on('close', () => upstream.end())
    upstream.on('close', () => client.destroy())
  })
  return {
    url,
    cut: (step, moment) =>
      new Promise((done) => {
        wanted = { step, moment, done }
      }),
  }
}
