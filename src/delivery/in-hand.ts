/**
 * The claimed rows of which this process has a request in flight, or an outcome that is not stored yet. A lease may end before that,
 * and a claim brings the row again: who did not know would repeat what has been answered.
 */
export interface InHand {
  /** Once for each task of the row … */
  take(row: string): void
  /** … until what came of it is stored, or given up. */
  leave(row: string): void
  has(row: string): boolean
}

export function createInHand(): InHand {
  const tasks = new Map<string, number>()
  return {
    take: (row) => void tasks.set(row, (tasks.get(row) ?? 0) + 1),
    leave(row) {
      const left = (tasks.get(row) ?? 0) - 1
      if (left > 0) tasks.set(row, left)
      else tasks.delete(row)
    },
    has: (row) => tasks.has(row),
  }
}
