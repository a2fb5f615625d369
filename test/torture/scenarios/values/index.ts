/** The scenarios about values: what callers publish and when, what they name things, and what stands in rows. */
import type { Scenario } from '../../scenario.ts'
import { brokenRows } from './broken-rows.ts'
import { payloads } from './payloads.ts'
import { strings } from './strings.ts'
import { zones } from './zones.ts'

export const valueScenarios: readonly Scenario[] = [zones, payloads, brokenRows, strings]
