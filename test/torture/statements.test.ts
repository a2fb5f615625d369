/** Sessions that meet in the same tables, and migrations that meet each other. */
import { tortureTests } from './in-test.ts'
import { claimsAtOnce } from './scenarios/claims.ts'
import { migrations } from './scenarios/migrations.ts'

tortureTests([{ scenario: claimsAtOnce }, { scenario: migrations }])
