/** Every scenario, by its number in the reliability list. */

import type { Scenario } from '../scenario.ts'
import { bigTables } from './big-tables.ts'
import { jumpingClock, wrongClock } from './clocks.ts'
import { crashPoints } from './crash-points.ts'
import { cutConnections, freezeWorkers, killWorkers, restartServer, rollingDeploys } from './crashes.ts'
import { faultScenarios } from './faults.ts'
import { policyScenarios } from './policy/index.ts'
import { heldSnapshot } from './held-snapshot.ts'
import { pooler } from './pooler.ts'
import { readOnly, slowDatabase } from './slow-database.ts'
import { stops } from './stops.ts'
import { poison, transactionalEmit } from './transactional.ts'
import { wakeUpCost } from './wake-up-cost.ts'

export const scenarios: readonly Scenario[] = [
  killWorkers,
  crashPoints,
  transactionalEmit,
  poison,
  freezeWorkers,
  rollingDeploys,
  restartServer,
  cutConnections,
  wrongClock,
  jumpingClock,
  slowDatabase,
  readOnly,
  ...faultScenarios,
  ...policyScenarios,
  stops,
  pooler,
  wakeUpCost,
  bigTables,
  heldSnapshot,
].sort((a, b) => a.number - b.number)
