// Types, those of `*.test-d.ts` among them, are checked by `npm run types`.
import { defineConfig } from 'vitest/config'
import { Spread } from './test/support/spread.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/databases/global-setup.ts'],
    sequence: { sequencer: Spread },
    // A third of the time would go into loading the same modules again; a file that mocks one loads its own.
    isolate: false,
    // Most files wait for sockets, databases and processes more than they compute.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // `npm run coverage`.
    coverage: { include: ['src/**'], reporter: ['text-summary'], thresholds: { lines: 90, branches: 85 } },
  },
})
