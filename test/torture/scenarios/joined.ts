/** The findings of the parts of a scenario as one: counts are added up, times and sizes are those of the worst part. */
import type { Findings } from '../scenario.ts'

const ADDED = new Set([
  ...[
    'lost',
    'duplicated',
    'recovered',
    'unexpected',
    'deliveries',
    'events',
    'requests',
    'faults',
    'runs',
    's',
  ],
])

export function joined(parts: readonly { readonly name: string; readonly found: Findings }[]): Findings {
  const figures: Record<string, number | string> = {}
  for (const { found } of parts) {
    for (const [name, value] of Object.entries(found.figures)) {
      const known = figures[name]
      if (typeof value !== 'number' || typeof known !== 'number') figures[name] = value
      else figures[name] = ADDED.has(name) ? known + value : Math.max(known, value)
    }
  }
  const problems = parts.flatMap(({ name, found }) => found.problems.map((problem) => `${name}: ${problem}`))
  return { problems, figures }
}
