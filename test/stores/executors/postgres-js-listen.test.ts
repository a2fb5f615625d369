/** LISTEN by postgres.js, which listens anew by itself when its connection is lost, with every listener that it still knows. */
import type { Socket } from 'node:net'
import pg from 'pg'
import postgres from 'postgres'
import { expect, it, onTestFinished } from 'vitest'
import { postgresDatabase } from '../../../src/stores/sql/executors/postgres.ts'
import { manualClock } from '../../../src/testing/manual-clock.ts'
import { postgresServer } from '../../support/databases/postgres.ts'
import { startTcpProxy } from '../../torture/bench/tcp-proxy.ts'

const { url } = await postgresServer()
const bench = { after: (work: () => unknown) => onTestFinished(() => void work()) }

/** A `sql` that listens, by way of a link that can swallow what it sends; and what each listener of one more channel has heard. */
async function setup() {
  const clients = new Set<Socket>()
  const link = { deaf: false, swallowed: 0, cut }
  const way = await startTcpProxy(bench, url, (client, upstream) => {
    clients.add(client)
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
    upstream.pipe(client)
    client.on('data', (data) => {
      if (link.deaf) link.swallowed += data.length
      else upstream.write(data)
    })
  })
  const sql = postgres(way, { max: 1, backoff: false })
  onTestFinished(() => sql.end({ timeout: 0 }))
  const other = new pg.Client({ connectionString: url })
  await other.connect()
  onTestFinished(() => other.end())
  const clock = manualClock()
  const database = postgresDatabase(sql, { clock, queryTimeoutMs: 10_000 })
  const channel = `posthorn_${crypto.randomUUID()}`
  await database.listen?.('another channel', () => {})
  const heard: Record<string, string[]> = {}
  const listen = (name: string) => {
    const own: string[] = []
    heard[name] = own
    return database.listen?.(channel, (payload) => own.push(payload)) ?? Promise.reject(new Error('cannot'))
  }
  const notify = (payload: string) => other.query('select pg_notify($1, $2)', [channel, payload])
  /** Until the listener hears a connection's notifications, which may be a new one. */
  const hears = (name: string, payload: string) =>
    expect
      .poll(async () => {
        await notify(payload)
        return heard[name]?.includes(payload)
      })
      .toBe(true)
  /** Until it listens: the driver may still have to find out that it has lost its connection. */
  const listens = (name: string) =>
    expect
      .poll(() =>
        listen(name).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true)
  function cut(): void {
    for (const client of clients) client.destroy()
    clients.clear()
  }
  return { clock, heard, hears, link, listen, listens }
}

it('tells one that was given up nothing when the driver listens at last', async () => {
  const { clock, heard, hears, link, listen, listens } = await setup()
  link.deaf = true
  const first = listen('first')
  first.catch(() => {})
  await expect.poll(() => link.swallowed).toBeGreaterThan(0)
  await clock.advance(10_000)
  await expect(first).rejects.toMatchObject({ code: 'STORE_FAILED' })
  link.deaf = false
  link.cut()
  await listens('second')
  await hears('second', 'now')
  expect(heard.first).toEqual([])
})

it('tells one that failed with its connection nothing when the driver listens at last', async () => {
  const { heard, hears, link, listen, listens } = await setup()
  link.deaf = true
  const first = listen('first')
  first.catch(() => {})
  await expect.poll(() => link.swallowed).toBeGreaterThan(0)
  link.deaf = false
  link.cut()
  await expect(first).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
  await listens('second')
  await hears('second', 'now')
  expect(heard.first).toEqual([])
})

it('tells one that has left nothing when the driver has listened anew meanwhile', async () => {
  const { heard, hears, link, listen } = await setup()
  const stop = await listen('first')
  await hears('first', 'before')
  link.cut()
  await hears('first', 'again')
  await stop()
  await listen('second')
  await hears('second', 'now')
  expect(heard.first).not.toContain('now')
})
