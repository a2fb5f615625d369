/** The example runs as its first lines say, in a process of its own, and prints what it promises. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

it('examples/sqlite-single-file announces what was committed, and nothing else', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', 'tsx', 'examples/sqlite-single-file/main.ts'],
    { cwd: root },
  )
  const lines = stdout.trim().split('\n')
  expect(lines.filter((line) => line.startsWith('received')).sort()).toEqual([
    'received {"id":"order-1","amount":4200}',
    'received {"id":"order-3","amount":100}',
  ])
  expect(lines.filter((line) => !line.startsWith('received'))).toEqual([
    'rolled back order-2: the amount must be positive',
    'orders 2 deliveries succeeded succeeded',
  ])
})
