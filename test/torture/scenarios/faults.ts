/** Faults of the database and of the process around it. */
import type { Scenario } from '../scenario.ts'
import { blockedLoop } from './blocked.ts'
import { claimsAtOnce } from './claims.ts'
import { contention } from './contention.ts'
import { deadlocks } from './deadlocks.ts'
import { diskFull } from './disk-full.ts'
import { halfOpen } from './half-open.ts'
import { commitOrder, poolOfOne } from './host-transactions.ts'
import { lostAnswers } from './lost-answers.ts'
import { migrations } from './migrations.ts'
import { powerCut } from './power-cut.ts'

export const faultScenarios: readonly Scenario[] = [
  blockedLoop,
  lostAnswers,
  halfOpen,
  powerCut,
  poolOfOne,
  deadlocks,
  commitOrder,
  migrations,
  claimsAtOnce,
  contention,
  diskFull,
]
