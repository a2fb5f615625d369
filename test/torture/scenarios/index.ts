/** Every scenario, by its number in the reliability list. */

import type { Scenario } from '../scenario.ts'
import { crashPoints } from './crash-points.ts'
import { cutConnections, freezeWorkers, killWorkers, restartServer, rollingDeploys } from './crashes.ts'
import { faultScenarios } from './faults.ts'
import { hangingDeploys } from './hanging-deploys.ts'
import { longScenarios } from './long.ts'
import { policyScenarios } from './policy/index.ts'
import { stops } from './stops.ts'
import { poison, transactionalEmit } from './transactional.ts'
import { valueScenarios } from './values/index.ts'

export const scenarios: readonly Scenario[] = [
  killWorkers,
  crashPoints,
  transactionalEmit,
  poison,
  freezeWorkers,
  rollingDeploys,
  hangingDeploys,
  restartServer,
  cutConnections,
  ...faultScenarios,
  ...longScenarios,
  ...policyScenarios,
  stops,
  ...valueScenarios,
].sort((a, b) => a.number - b.number)
