/** Every receiver that the README and docs/verifying.md show, run as it stands: what a stranger sends gets a 400, and ends nothing. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { signRequest } from '../src/signing/index.ts'
import { blocksOf, type DocsBlock, runnable } from './support/docs-blocks.ts'

const secret = 'whsec_b2J2aW91c2x5LWZha2Utc2VjcmV0LW9mLWV4YW1wbGVz'
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'posthorn-receivers-'))
symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'dir')
afterAll(() => rmSync(folder, { recursive: true }))

/** A block that takes requests: it exports a handler, or listens. */
const receives = ({ code }: DocsBlock) =>
  /\bverify(Webhook)?[<(]/.test(code) && /export (default|async function POST)|\.listen\(/.test(code)

const blocks = ['README.md', 'docs/verifying.md'].flatMap(blocksOf).filter(receives)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  const address = server.address()
  await new Promise((closed) => server.close(closed))
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** The block's process, and where it listens. */
async function run({ place, code }: DocsBlock): Promise<{ child: ChildProcess; url: string }> {
  const file = join(folder, `${place.replace(/\W+/g, '-')}.mjs`)
  const ports = code.replaceAll('4000', String(await freePort())).replaceAll('3000', '0')
  writeFileSync(file, await runnable(ports))
  const host = fileURLToPath(new URL('support/block-host.mjs', import.meta.url))
  const server = fileURLToPath(import.meta.resolve('@hono/node-server'))
  const child = spawn(process.execPath, [host, file, server], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, WEBHOOK_SECRET: secret, NODE_ENV: 'test' },
  })
  onTestFinished(() => void child.kill())
  const lines = createInterface(child.stdout)
  const port = await new Promise((resolve, reject) => {
    lines.on('line', (line) => line.startsWith('listening ') && resolve(line.slice('listening '.length)))
    child.once('exit', (status) => reject(new Error(`${place} ended with ${status}`)))
  })
  return { child, url: `http://127.0.0.1:${port}/in` }
}

it('there are receivers to run, in every framework', () => {
  const all = blocks.map(({ code }) => code).join('\n')
  for (const entry of ['verify', 'node', 'express', 'fastify', 'hono', 'koa', 'nest', 'next'])
    expect(all).toContain(`from 'posthorn/${entry}'`)
})

describe.each(blocks)('the receiver of $place', (block) => {
  it('answers 400 to what does not verify, lives on, and takes what does', async () => {
    const { child, url } = await run(block)
    const { headers, body } = await signRequest(
      { type: 'order.paid', data: { orderId: 'o-1', amount: 1 } },
      { secret },
    )
    const post = async (sent: Record<string, string>, bytes: BodyInit) =>
      (await fetch(url, { method: 'POST', headers: sent, body: bytes })).status
    const plain = { 'content-type': 'application/json' }
    expect(await post(plain, '{"type":"order.paid","data":{}}')).toBe(400)
    expect(await post(headers, '{"type":"order.paid","data":{}}')).toBe(400)
    expect(await post({ ...headers, 'webhook-signature': 'v1,AAAA' }, body)).toBe(400)
    // A browser that looks by: no body, no headers. Where there is no such route, the framework says so.
    expect([400, 404, 405]).toContain((await fetch(url)).status)
    // The block of the README makes a secret of its own.
    if (!block.code.includes('createWebhooks')) expect(await post(headers, body)).toBe(200)
    expect(child.exitCode).toBeNull()
  }, 60_000)
})
