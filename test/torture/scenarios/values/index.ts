/** The scenarios about values: what callers publish, and what they name things. */
import type { Scenario } from '../../scenario.ts'
import { brokenRows } from './broken-rows.ts'
import { payloads } from './payloads.ts'
import { strings } from './strings.ts'

export const valueScenarios: readonly Scenario[] = [payloads, brokenRows, strings]
