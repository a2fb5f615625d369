/** Lets few pieces of work run at once; the others wait, in the order in which they came. */

/** At most `most` run at once. The result is called with each piece of work, and resolves or rejects as that does. */
export function createFewAtOnce(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0

  return async (work) => {
    if (running < most) running += 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      // Whoever waits takes the place over, so that nobody who comes in between does.
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
