/** Statuses, order under kills, races and filters, over real stores, sockets and processes, in reduced counts. */
import { tortureTests } from './in-test.ts'
import { filters } from './scenarios/policy/filters.ts'
import { fifo } from './scenarios/policy/order.ts'
import { races } from './scenarios/policy/races.ts'
import { statuses } from './scenarios/policy/statuses.ts'

tortureTests([
  { scenario: statuses, kinds: ['postgres'] },
  { scenario: fifo, kinds: ['postgres'] },
  { scenario: races, kinds: ['mysql'] },
  { scenario: filters },
])
