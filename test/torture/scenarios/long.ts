/** The scenarios of the long tier: too long, or in need of too much, for `npm test`. */
import type { Scenario } from '../scenario.ts'
import { bigTables } from './big-tables.ts'
import { jumpingClock, wrongClock } from './clocks.ts'
import { databaseClock } from './database-clock.ts'
import { evilReceivers } from './evil-receivers.ts'
import { fullDisk } from './full-disk.ts'
import { greedyCallers } from './greedy-callers.ts'
import { heldSnapshot } from './held-snapshot.ts'
import { keepAliveRace } from './keep-alive-race.ts'
import { manyOrigins } from './many-origins.ts'
import { pooler } from './pooler.ts'
import { portOracle } from './port-oracle.ts'
import { rebinding } from './rebinding.ts'
import { retention } from './retention.ts'
import { simulation } from './simulation.ts'
import { readOnly, slowDatabase } from './slow-database.ts'
import { soak } from './soak.ts'
import { storeModel } from './store-model.ts'
import { wakeUpCost } from './wake-up-cost.ts'

export const longScenarios: readonly Scenario[] = [
  slowDatabase,
  pooler,
  readOnly,
  heldSnapshot,
  bigTables,
  retention,
  wakeUpCost,
  fullDisk,
  evilReceivers,
  rebinding,
  portOracle,
  keepAliveRace,
  manyOrigins,
  greedyCallers,
  wrongClock,
  jumpingClock,
  databaseClock,
  simulation,
  storeModel,
  soak,
]
