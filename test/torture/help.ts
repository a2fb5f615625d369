/** What `npm run torture -- --help` says: the options, and every scenario with its number, tier and databases. */
import type { Scenario } from './scenario.ts'

const OPTIONS = `npm run torture -- [options]

  --only <number or name>  one scenario (several numbers: --only 28,29)
  --on <database>          postgres, mysql or sqlite, where a scenario runs on several
  --long                   full counts; without it reduced ones
  --tier <test or long>    the scenarios that \`npm test\` runs too, or those that only this command has
  --seed <number>          plays a run again
  --state <folder>         remembers there what has passed, and goes on where a run was cut off
  --list                   this list

Servers are started by the run itself: Postgres comes with npm, MariaDB from the PATH (Debian: mariadb-server). What needs more
names it below, and is left out, in one line, where that is missing.
`

/** The whole text. */
export function helpText(scenarios: readonly Scenario[]): string {
  const rows = scenarios.map(({ number, name, kinds, stores, longMinutes, needs }) => [
    String(number).padStart(4),
    longMinutes === undefined ? 'test' : 'long',
    longMinutes === undefined ? '' : `${longMinutes} min`,
    stores ?? kinds.join(', '),
    needs === undefined ? name : `${name} (needs ${needs})`,
  ])
  const titles = ['  no', 'tier', '--long', 'databases', 'scenario']
  const widths = titles.map((title, at) => Math.max(title.length, ...rows.map((row) => row[at]?.length ?? 0)))
  const lines = [titles, ...rows].map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return `${OPTIONS}\n${lines.join('\n')}`
}

/** Those that `--only` and `--tier` name; none when they name nothing that is there. */
export function choose(
  scenarios: readonly Scenario[],
  only: string | undefined,
  tier: string | undefined,
): readonly Scenario[] {
  const isName = scenarios.some(({ name }) => name === only)
  const wanted = isName ? [] : only?.split(',').map((one) => one.trim())
  return scenarios.filter(
    ({ number, name, longMinutes }) =>
      (wanted === undefined || wanted.includes(String(number)) || only === name) &&
      (tier === undefined || tier === (longMinutes === undefined ? 'test' : 'long')),
  )
}
