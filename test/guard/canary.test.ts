/** The canary network: an own network namespace, so that a packet to a private address would be seen and hurt nobody. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const probe = spawnSync('unshare', [
  '-n',
  'sh',
  '-c',
  'ip link set lo up && ip route add local 0.0.0.0/0 dev lo',
])
const hasNamespaces = probe.status === 0

test.skipIf(!hasNamespaces)(
  'no denied case sends a packet, every allowed one arrives, no redirect is followed (needs a network namespace)',
  () => {
    const script = fileURLToPath(new URL('canary-network.ts', import.meta.url))
    const args = ['-n', process.execPath, '--import', 'tsx', script]
    const { stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 240_000 })
    expect(stdout, stderr).toMatch(/^\{/)
    const result = JSON.parse(stdout)
    expect(result).toMatchObject({ syns: 0, wrong: [] })
    expect(result.denied).toBeGreaterThan(200)
    expect(result.allowed).toBeGreaterThan(50)
    expect(result.redirects).toBeGreaterThan(5)
  },
  300_000,
)
