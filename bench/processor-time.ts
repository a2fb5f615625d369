/** Processor time of processes, and of the whole machine, in microseconds; from /proc, so on Linux only (null elsewhere). */
import { readdirSync, readFileSync } from 'node:fs'

/** The kernel's unit in /proc is a hundredth of a second everywhere that Node runs. */
const TICK_MICROS = 10_000

function fieldsOf(pid: number): readonly string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the name in parentheses, which may hold spaces.
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return null
  }
}

/** A process and all below it; those that have ended count when their parent has waited for them. */
export function treeMicros(root: number): number | null {
  if (fieldsOf(root) === null) return null
  const children = new Map<number, number[]>()
  const own = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    const fields = Number.isInteger(pid) ? fieldsOf(pid) : null
    if (fields === null) continue
    const parent = Number(fields[1])
    children.set(parent, [...(children.get(parent) ?? []), pid])
    const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0)
    own.set(pid, ticks * TICK_MICROS)
  }
  const sum = (pid: number): number =>
    (children.get(pid) ?? []).reduce((total, child) => total + sum(child), own.get(pid) ?? 0)
  return sum(root)
}

/** What all processors of the machine have done. */
export function machineMicros(): number | null {
  try {
    const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
    const [user, nice, system, , , interrupts, soft] = line.trim().split(/\s+/).slice(1).map(Number)
    return (
      [user, nice, system, interrupts, soft].reduce<number>((sum, ticks) => sum + (ticks ?? 0), 0) *
      TICK_MICROS
    )
  } catch {
    return null
  }
}
