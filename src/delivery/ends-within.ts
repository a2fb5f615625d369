/** Waits for work, but not for ever: the work goes on, the caller does. */
import type { Clock, Timer } from '../clock.ts'

/** True when it ends in time. */
export async function endsWithin(work: Promise<void>, limitMs: number, clock: Clock): Promise<boolean> {
  let timer: Timer | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = clock.setTimer(() => resolve(false), limitMs, { keepAlive: true })
  })
  const ended = await Promise.race([work.then(() => true), late])
  timer?.cancel()
  return ended
}
