/** Payloads and strings of every kind, beside the memory store: the same bytes, or the same refusal. */
import { tortureTests } from './in-test.ts'
import { valueScenarios } from './scenarios/values/index.ts'

// On one database that a client reaches over the network, and on MariaDB, which differs most.
tortureTests(valueScenarios.map((scenario) => ({ scenario, kinds: ['postgres', 'mysql'] })))
