/** The application's own transactions: a pool of one that it shares with the worker, and commits out of order. */
import { tortureTests } from './in-test.ts'
import { commitOrder, poolOfOne } from './scenarios/host-transactions.ts'

tortureTests([{ scenario: poolOfOne }, { scenario: commitOrder }])
