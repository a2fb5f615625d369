/** The scenarios of the delivery policy: what every endpoint gets, and in which order. */
import type { Scenario } from '../../scenario.ts'
import { everythingFails } from './dead-end.ts'
import { flood, hangingTenant, healthyBesideHanging } from './fairness.ts'
import { filters } from './filters.ts'
import { largeFanOut } from './large-fan-out.ts'
import { fifo, longLine } from './order.ts'
import { outageAndReturn } from './outage.ts'
import { races } from './races.ts'
import { statuses } from './statuses.ts'

export const policyScenarios: readonly Scenario[] = [
  statuses,
  hangingTenant,
  flood,
  outageAndReturn,
  everythingFails,
  fifo,
  races,
  filters,
  largeFanOut,
  healthyBesideHanging,
  longLine,
]
