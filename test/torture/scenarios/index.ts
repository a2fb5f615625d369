/** Every scenario, by its number in the reliability list. */
import type { Scenario } from '../scenario.ts'
import { cutConnections, freezeWorkers, killWorkers, restartServer, rollingDeploys } from './crashes.ts'

export const scenarios: readonly Scenario[] = [
  killWorkers,
  freezeWorkers,
  rollingDeploys,
  restartServer,
  cutConnections,
].sort((a, b) => a.number - b.number)
