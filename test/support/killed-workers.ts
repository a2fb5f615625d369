/** Workers that are killed with what they had: what another one does with it. */
import { expect } from 'vitest'
import type { WebhooksOptions } from '../../src/options.ts'
import { setup } from './setup.ts'

/** A sender whose receivers answer after so long; `answered` counts. */
export function slowSender(answerMs: (url: string) => number, options: Partial<WebhooksOptions> = {}) {
  const count = { answered: 0 }
  const sender = setup({
    ...options,
    answer: async ({ url }) => {
      await new Promise<void>((resolve) => sender.clock.setTimer(resolve, answerMs(url)))
      count.answered += 1
      return { status: 204 }
    },
  })
  return { ...sender, count }
}

/** All `rows` that are due are claimed by one worker after the other, each of which is killed, until its lease has ended. */
export async function killed(
  { store, clock }: Pick<ReturnType<typeof setup>, 'store' | 'clock'>,
  rows: number,
  workers = 1,
): Promise<void> {
  const most = { limit: rows, perTenant: rows, perSubscription: rows, shares: new Map<string, number>() }
  for (let worker = 0; worker < workers; worker++) {
    const { work } = await store.claim({ token: `killed ${worker}`, leaseMs: 1_000, alone: false, ...most })
    expect(work).toHaveLength(rows)
    await clock.advance(1_001)
  }
}
