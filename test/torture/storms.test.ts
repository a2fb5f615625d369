/** One bad receiver, a flood, an outage, a dead end and large bodies, over a real store and real sockets, in reduced counts. */
import { tortureTests } from './in-test.ts'
import { everythingFails } from './scenarios/policy/dead-end.ts'
import { flood, hangingTenant } from './scenarios/policy/fairness.ts'
import { largeFanOut } from './scenarios/policy/large-fan-out.ts'
import { outageAndReturn } from './scenarios/policy/outage.ts'

tortureTests([
  { scenario: hangingTenant },
  { scenario: flood },
  { scenario: outageAndReturn },
  { scenario: everythingFails },
  { scenario: largeFanOut },
])
