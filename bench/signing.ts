/**
 * How close signing and verifying come to the bare hash: `npx tsx bench/signing.ts [rounds]`. Every figure is a ratio of
 * two things measured in the same round, as the machine's speed changes from minute to minute; the median of the
 * rounds is printed; each slice starts with an emptied nursery, so that nobody pays for the garbage of the contender before. Targets: sign >= 0.95 of raw; verify >= 0.65 of raw at 200 B and >= 0.9 from 20 KB, and >= 3
 * times `standardwebhooks`.
 */

import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { build } from 'esbuild'
import { Webhook } from 'standardwebhooks'

// Built as it is published: tsx keeps function names, which costs a call for every closure that is made.
const entry = ['sign', 'standard-webhooks', 'verify'].map(
  (file) => `export * from './src/signing/${file}.ts'`,
)
const built = await build({
  stdin: { contents: entry.join('\n'), resolveDir: process.cwd(), loader: 'ts' },
  bundle: true,
  write: false,
  format: 'esm',
  target: 'es2022',
  platform: 'neutral',
})
const {
  createSigner,
  standardWebhooks,
  verify,
}: typeof import('../src/signing/sign.ts') &
  typeof import('../src/signing/standard-webhooks.ts') &
  typeof import('../src/signing/verify.ts') = await import(
  `data:text/javascript,${encodeURIComponent(built.outputFiles[0]?.text ?? '')}`
)

setFlagsFromString('--expose-gc')
const collect: (options: { type: 'minor' }) => void = runInNewContext('gc')

const rounds = Number(process.argv[2] ?? 41)
const sliceMs = 12
const sizes = [200, 2_000, 20_000, 200_000]

type Run = (times: number) => unknown

/** Nanoseconds per call, over a slice of about `sliceMs`. */
async function slice(run: Run, times: number): Promise<number> {
  collect({ type: 'minor' })
  const start = performance.now()
  await run(times)
  return ((performance.now() - start) * 1e6) / times
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN

/** Interleaved and in changing order; ratios to the first contender, round by round. */
async function compare(title: string, size: number, contenders: Record<string, Run>): Promise<void> {
  const names = Object.keys(contenders)
  const times: Record<string, number> = {}
  const ratios: Record<string, number[]> = {}
  const speeds: Record<string, number[]> = {}
  for (const name of names) {
    const run = contenders[name] as Run
    // To the optimising compiler: what is measured later must not depend on who came first.
    await slice(run, size < 10_000 ? 20_000 : 1_000)
    times[name] = Math.max(20, Math.round((sliceMs * 1e6) / (await slice(run, 500))))
    ratios[name] = []
    speeds[name] = []
  }
  for (let round = 0; round < rounds; round++) {
    const measured: Record<string, number> = {}
    const order = round % 2 ? [...names].reverse() : names
    for (const name of order) measured[name] = await slice(contenders[name] as Run, times[name] as number)
    for (const name of names) {
      ratios[name]?.push((measured[names[0] as string] as number) / (measured[name] as number))
      speeds[name]?.push(1e9 / (measured[name] as number))
    }
  }
  console.log(`\n${title}`)
  for (const name of names)
    console.log(
      `  ${name.padEnd(28)} ${median(speeds[name] ?? [])
        .toFixed(0)
        .padStart(8)} ops/s  ${median(ratios[name] ?? []).toFixed(2)}`,
    )
}

for (const size of sizes) {
  const key = randomBytes(32)
  const secret = `whsec_${key.toString('base64')}`
  const keyObject = createSecretKey(key)
  const text = JSON.stringify({ type: 'order.paid', timestamp: '2026-01-01T00:00:00Z', data: '' })
  const body = Buffer.from(text.replace('""', `"${'x'.repeat(size - text.length)}"`))
  const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek'
  const timestamp = Math.floor(Date.now() / 1000)
  const message = { id, timestamp, type: 'order.paid', body }
  const sign = createSigner([{ scheme: standardWebhooks(), secrets: [secret] }])
  const published = new Webhook(secret)
  const rawDigest = (one: typeof message) =>
    createHmac('sha256', keyObject).update(`${one.id}.${one.timestamp}.`).update(one.body)

  await compare(`sign ${size} B`, size, {
    'raw createHmac(KeyObject)': (times) => {
      for (let i = 0; i < times; i++) rawDigest(message).digest('base64')
    },
    createSigner: (times) => {
      for (let i = 0; i < times; i++) sign(message)
    },
    standardwebhooks: (times) => {
      const date = new Date(timestamp * 1000)
      const payload = body.toString()
      for (let i = 0; i < times; i++) published.sign(id, date, payload)
    },
  })

  const headers: Record<string, string> = {
    host: 'localhost:3000',
    'content-type': 'application/json',
    'content-length': String(body.length),
    'user-agent': 'posthorn',
    'accept-encoding': 'identity',
    connection: 'keep-alive',
    ...(await sign(message)),
  }
  const raw = (received: typeof message) => {
    const candidate = Buffer.from((headers['webhook-signature'] ?? '').slice(3), 'base64')
    if (!timingSafeEqual(rawDigest(received).digest(), candidate)) throw new Error('raw')
  }
  await compare(`verify ${size} B`, size, {
    'raw createHmac + timingSafeEqual': (times) => {
      for (let i = 0; i < times; i++) raw(message)
    },
    'raw, awaited': async (times) => {
      for (let i = 0; i < times; i++) await raw(message)
    },
    verify: async (times) => {
      for (let i = 0; i < times; i++) await verify({ headers, body }, { secret })
    },
    'verify, then data': async (times) => {
      for (let i = 0; i < times; i++) (await verify({ headers, body }, { secret })).data
    },
    standardwebhooks: (times) => {
      for (let i = 0; i < times; i++) published.verify(body, headers)
    },
    'standardwebhooks, from secret': (times) => {
      for (let i = 0; i < times; i++) new Webhook(secret).verify(body, headers)
    },
  })
}
