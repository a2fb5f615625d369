/** What the peers share: one job per delivery, the counting of those that are done, and how a package of the bench is loaded. */
import type { Setup } from '../contender.ts'
import { bodyOf, tenantOf } from '../work.ts'

/** The payload of a job: all that its handler needs. */
export interface JobData {
  readonly endpoint: number
  readonly id: string
  readonly body: string
}

/** The jobs of some events, one per delivery. */
export function jobsOf({ work }: Setup, from: number, count: number): JobData[] {
  const jobs: JobData[] = []
  for (let event = from; event < from + count; event++) {
    const id = `evt_${event}`
    const body = bodyOf(work, event)
    const first = tenantOf(work, event) * work.fanOut
    for (let endpoint = first; endpoint < first + work.fanOut; endpoint++) jobs.push({ endpoint, id, body })
  }
  return jobs
}

/** Counts deliveries that are done; `reached` resolves at a number of them. */
export function createTally() {
  let done = 0
  let failure: Error | null = null
  let look = (): void => {}
  return {
    add(count: number): void {
      done += count
      look()
    },
    fail(error: Error): void {
      failure ??= error
      look()
    },
    reached: (count: number) =>
      new Promise<void>((resolve, reject) => {
        look = () => {
          if (failure !== null) reject(failure)
          else if (done >= count) resolve()
        }
        look()
      }),
  }
}

/** Asks again until it is so: for what a library settles by itself after the handler has returned. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** A package of bench/package.json, as the part of it that we call: the library's own install knows no types of it. */
export async function peerPackage<Part>(name: string): Promise<Part> {
  return (await import(name)) as Part
}

/** The address of the measurement's database. */
export function urlOfDatabase({ database }: Setup): string {
  if (database === null) throw new Error('this contender needs a database')
  return database.url
}
