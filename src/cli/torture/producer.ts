/**
 * The publishing process: writes down each event before it publishes it and after the publish was acknowledged. A publish
 * that failed is repeated with the same id, as an application would; its event must arrive once acknowledged.
 */
import { createHash } from 'node:crypto'
import { systemClock } from '../../clock.ts'
import { createWebhooks } from '../../index.ts'
import { openStore } from '../open-store.ts'
import { pause } from './fleet.ts'
import { openLedger, type Published } from './ledger.ts'
import { seeded } from './random.ts'
import { DELAY_MS, ledgers, readSettings, tenantName } from './settings.ts'

const RETRY_MS = 200
const MAX_TRIES = 300

export async function runProducer(): Promise<void> {
  process.on('disconnect', () => process.exit(0))
  const settings = readSettings()
  const ledger = openLedger<Published>(ledgers(settings.folder).published)
  const opened = await openStore(settings.place)
  const webhooks = createWebhooks({ store: opened.store, logger: silent })
  const random = seeded(settings.seed ^ 0xab1e)
  const begun = systemClock.monotonic()
  let next = 0

  async function publishNext(): Promise<void> {
    const number = next++
    const dueMs = (number / settings.events) * settings.spreadMs - (systemClock.monotonic() - begun)
    if (dueMs > 0) await pause(dueMs)
    const id = `evt_t${settings.seed}_${number}`
    const tenant = tenantName(number % settings.tenants)
    const text = 'x'.repeat(random.between(1, settings.longestText ?? 800))
    const delayMs = random.next() < (settings.delayed ?? 0) ? DELAY_MS : 0
    const digest = createHash('sha256').update(id).update(text).digest('hex')
    const write = (kind: Published['kind']) =>
      ledger.append({ kind, id, tenant, digest, delayMs, at: systemClock.now() })
    write('invoked')
    for (let tries = 1; ; tries++) {
      try {
        await webhooks.publish(
          'torture.event',
          { digest, text },
          { tenantId: tenant, id, ...(delayMs > 0 ? { delayMs } : {}) },
        )
        break
      } catch (error) {
        process.send?.({ refused: error instanceof Error ? error.message : String(error) })
        if (tries === MAX_TRIES) return write('refused')
        await pause(RETRY_MS)
      }
    }
    write('acknowledged')
    ledger.sync()
    process.send?.({ published: number + 1 })
  }

  const publishers = Array.from({ length: settings.publishers }, async () => {
    while (next < settings.events) await publishNext()
  })
  await Promise.all(publishers)
  process.send?.({ done: true })
  ledger.close()
  await webhooks.stop()
  await opened.close()
  process.disconnect?.()
}

const nothing = () => {}
const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing }
