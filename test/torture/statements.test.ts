/** Sessions that meet in the same tables, and migrations that meet each other. */
import { tortureTests } from './in-test.ts'
import { claimsAtOnce } from './scenarios/claims.ts'
import { deadlocks } from './scenarios/deadlocks.ts'
import { migrations } from './scenarios/migrations.ts'

tortureTests([
  { scenario: claimsAtOnce },
  { scenario: migrations },
  // MariaDB has more deadlocks than the list allows: docs/reliability.md.
  { scenario: deadlocks, kinds: ['postgres'] },
])
