import { defineConfig } from 'vitest/config'
import { WaitingFirst } from './test/support/waiting-first.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/databases/global-setup.ts'],
    sequence: { sequencer: WaitingFirst },
    // Most files wait for sockets, databases and processes more than they compute.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    typecheck: { enabled: true, include: ['test/**/*.test-d.ts'], tsconfig: './tsconfig.json' },
  },
})
