/** Workers and callers that die at a chosen point, and an event that kills whoever handles it. */
import { tortureTests } from './in-test.ts'
import { crashPoints } from './scenarios/crash-points.ts'
import { poison, transactionalEmit } from './scenarios/transactional.ts'

tortureTests([
  { scenario: crashPoints, kinds: ['postgres'] },
  { scenario: transactionalEmit },
  { scenario: poison, kinds: ['sqlite'] },
])
