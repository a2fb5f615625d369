/** Connections to the database that swallow what is sent, all of them, for a short while. */
import { tortureTests } from './in-test.ts'
import { halfOpen } from './scenarios/half-open.ts'

tortureTests([{ scenario: halfOpen }])
