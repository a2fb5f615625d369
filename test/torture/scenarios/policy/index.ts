/** The scenarios of the delivery policy: what every endpoint gets, and in which order. */
import type { Scenario } from '../../scenario.ts'
import { fifo, longLine } from './order.ts'

export const policyScenarios: readonly Scenario[] = [fifo, longLine]
