/** What one step of a job gets and gives: a bounded batch, and how far it came. */
import type { Parts } from '../../parts.ts'
import type { JobRecord } from './job.ts'

/** Rows that one step looks at. */
export const BATCH = 100

/** What a step works with. */
export interface StepInput {
  readonly job: JobRecord
  readonly tenantId: string
  readonly parts: Parts
  /** True when the claim or the budget is about to end: the step stops after the row at hand. */
  readonly isOver: () => boolean
}

/** How far a step came; counts are those of this step. */
export interface StepResult {
  readonly looked: number
  readonly affected: number
  readonly skipped: number
  readonly cursor: JobRecord['cursor']
  /** Nothing is left to look at. */
  readonly done: boolean
  /** True when it waits for something and the cursor stays. */
  readonly waits?: boolean
}

/** One bounded batch of a job. Repeating it does no harm: a worker may die in the middle. */
export type Step = (input: StepInput) => Promise<StepResult>
