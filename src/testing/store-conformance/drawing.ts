/** Chance from a seed, so that a failing sequence can be run again. */

/** Whole numbers from a seed (a linear congruential generator: the quality is enough for picking). */
export function drawing(seed: number): (from: number, to: number) => number {
  let state = (seed * 2_654_435_761) >>> 0
  return (from, to) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return from + Math.floor((state / 4_294_967_296) * (to - from + 1))
  }
}
