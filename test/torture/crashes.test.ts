/** Workers that are killed and replaced, and servers that go away: the promises under harm, in reduced counts. */

import { tortureTests } from './in-test.ts'
import {
  cutConnections,
  freezeWorkers,
  killWorkers,
  restartServer,
  rollingDeploys,
} from './scenarios/crashes.ts'
import { hangingDeploys } from './scenarios/hanging-deploys.ts'

tortureTests([
  { scenario: killWorkers, kinds: ['postgres'] },
  { scenario: freezeWorkers, kinds: ['postgres'] },
  { scenario: rollingDeploys, kinds: ['postgres'] },
  { scenario: hangingDeploys },
  { scenario: restartServer },
  { scenario: cutConnections },
])
