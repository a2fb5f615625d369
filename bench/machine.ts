/** What the figures were taken on. */
import { cpus, loadavg, release, totalmem, type } from 'node:os'

/** Described, with the load at this moment. */
export function machine() {
  const processors = cpus()
  return {
    processors: processors.length,
    model: processors[0]?.model ?? 'unknown',
    memoryGigabytes: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    load: loadavg().map((value) => Number(value.toFixed(2))),
  }
}
