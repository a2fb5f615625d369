/** The package beside each zod that its peer range names: installs without a conflict, takes its schemas, compiles. */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { npm, type Packed } from './pack.ts'

const run = promisify(execFile)
const typescript = fileURLToPath(import.meta.resolve('typescript/bin/tsc'))

const typed = `import { createWebhooks, defineEvents } from 'posthorn'
import { z } from 'zod'
const events = defineEvents({ 'order.paid': z.object({ orderId: z.string() }) })
const webhooks = createWebhooks({ events })
await webhooks.publish('order.paid', { orderId: 'o-1' }, { tenantId: 'acme' })
// @ts-expect-error a number is no order
await webhooks.publish('order.paid', { orderId: 1 }, { tenantId: 'acme' })
`

/** Tests of the package that `packedOf` gives: one build serves all. */
export function besideEachZod(packedOf: () => Packed): void {
  describe.each(['3.25.20', '4.0.0'])('beside zod %s', (version) => {
    it('is installed, and takes schemas of zod and of zod/v4', async () => {
      const packed = packedOf()
      const project = join(packed.folder, `zod-${version}`)
      await mkdir(project)
      await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }')
      await npm(['install', '--prefer-offline', `zod@${version}`], project)
      await npm(['install', '--prefer-offline', packed.tarball], project)
      const installed = await readFile(join(project, 'node_modules', 'zod', 'package.json'), 'utf8')
      expect(JSON.parse(installed).version).toBe(version)
      await copyFile(fileURLToPath(new URL('zod-majors.mjs', import.meta.url)), join(project, 'main.mjs'))
      const { stdout } = await run(process.execPath, ['main.mjs'], { cwd: project })
      const line = 'evt_ INVALID_PAYLOAD quotes nothing order.paid'
      expect(stdout.trim().split('\n')).toEqual([line, line, 'INVALID_OPTION'])
      await writeFile(join(project, 'typed.ts'), typed)
      const options = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'nodenext']
      await run(process.execPath, [typescript, ...options, 'typed.ts'], { cwd: project })
    }, 180_000)
  })
}
