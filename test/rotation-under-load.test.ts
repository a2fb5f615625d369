/**
 * Test 72 of the reliability catalogue: secrets are rotated while deliveries run. Each request is verified with the
 * secrets that were valid when it was sent. POSTHORN_LONG takes all 20,000 deliveries.
 */
import { expect, it } from 'vitest'
import type { TransportRequest } from '../src/index.ts'
import { verify } from '../src/signing/index.ts'
import { setup } from './support/setup.ts'

const ROTATIONS = 100
const IS_LONG = process.env.POSTHORN_LONG !== undefined
const DELIVERIES = IS_LONG ? 20_000 : 800
/** Two million signatures are looked at in the long run. */
const WITHIN_MS = IS_LONG ? 1_800_000 : 30_000
const OVERLAP_MS = 3_600_000
const ROUND_MS = 1_200_000
const own = { tenantId: 'acme' }

it(
  'every request verifies with a secret of its time, with both during the overlap, with none after',
  async () => {
    const sent: { readonly request: TransportRequest; readonly at: number }[] = []
    const lab = setup({
      answer: (request) => {
        sent.push({ request, at: lab.clock.now() })
        return 204
      },
    })
    const { subscription, secret } = await lab.subscribe()
    const history = [{ secret: secret as string, from: lab.clock.now(), until: Number.POSITIVE_INFINITY }]

    async function rotate() {
      const at = lab.clock.now()
      const rotated = await lab.webhooks.subscriptions.rotateSecret(subscription.id, {
        ...own,
        overlapMs: OVERLAP_MS,
      })
      const last = history.at(-1)
      if (last !== undefined) last.until = at + OVERLAP_MS
      history.push({ secret: rotated.secret, from: at, until: Number.POSITIVE_INFINITY })
    }

    const publish = async (count: number) => {
      for (let index = 0; index < count; index++) await lab.webhooks.publish('a', { index }, own)
    }
    const share = DELIVERIES / ROTATIONS
    const settled: (typeof sent)[number][] = []
    for (let round = 0; round < ROTATIONS; round++) {
      await publish(share / 2)
      await Promise.all([lab.webhooks.drain(), rotate()])
      const before = sent.length
      await publish(share / 2)
      await lab.webhooks.drain()
      settled.push(...sent.slice(before))
      await lab.clock.advance(ROUND_MS)
    }

    expect(sent).toHaveLength(DELIVERIES)
    const accepts = async ({ request, at }: (typeof sent)[number], secrets: readonly string[]) =>
      secrets.length > 0 &&
      (await verify(request, { secrets, now: Math.floor(at / 1000) }).then(
        () => true,
        () => false,
      ))
    for (const one of sent) {
      const valid = history.filter(({ from, until }) => from <= one.at && one.at < until)
      const invalid = history.filter(({ from, until }) => one.at < from || until <= one.at)
      expect(
        await accepts(
          one,
          valid.map((entry) => entry.secret),
        ),
      ).toBe(true)
      expect(
        await accepts(
          one,
          invalid.map((entry) => entry.secret),
        ),
      ).toBe(false)
    }
    for (const one of settled) {
      const valid = history.filter(({ from, until }) => from <= one.at && one.at < until)
      expect(valid.length).toBeGreaterThan(1)
      for (const entry of valid) expect(await accepts(one, [entry.secret])).toBe(true)
    }
  },
  WITHIN_MS,
)
