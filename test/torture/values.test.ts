/** Payloads and strings of every kind, beside the memory store: the same bytes, or the same refusal. */
import { tortureTests } from './in-test.ts'
import { valueScenarios } from './scenarios/values/index.ts'

tortureTests(valueScenarios.map((scenario) => ({ scenario })))
