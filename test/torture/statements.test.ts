/** Sessions that meet in the same tables. */
import { tortureTests } from './in-test.ts'
import { claimsAtOnce } from './scenarios/claims.ts'

tortureTests([{ scenario: claimsAtOnce }])
