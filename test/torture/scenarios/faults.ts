/** Faults of the database and of the process around it. */
import type { Scenario } from '../scenario.ts'
import { blockedLoop } from './blocked.ts'
import { contention } from './contention.ts'
import { powerCut } from './power-cut.ts'

export const faultScenarios: readonly Scenario[] = [blockedLoop, powerCut, contention]
