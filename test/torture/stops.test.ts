/** Senders that stop, again and again, in this process: nothing is left of them. */
import { tortureTests } from './in-test.ts'
import { stops } from './scenarios/stops.ts'

tortureTests([{ scenario: stops }])
