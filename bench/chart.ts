/** The chart of README and docs: each contender's share of the bare loop, a panel per case. */
import type { RunResult, StepResult } from './results.ts'
import type { Row } from './rounds.ts'

const WIDTH = 860
const PANEL = WIDTH / 2
const LABEL = 150
const BAR = 14
const GAP = 6
const TOP = 76
const HEAD = 34

const COLOURS = { limit: '#94a3b8', posthorn: '#2563eb', peer: '#d97706' } as const

const safe = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const text = (x: number, y: number, content: string, more = ''): string =>
  `<text x="${x}" y="${y}" ${more}>${safe(content)}</text>`

function bar(row: Row, y: number): string {
  const share = row.ofLimit?.median ?? 0
  const room = PANEL - LABEL - 90
  const width = Math.max(1, Math.min(1, share) * room)
  const ratio = row.ofLimit === null ? 'no result' : share.toFixed(2)
  const base = y + BAR - 3
  return [
    text(LABEL - 8, base, row.contender, 'text-anchor="end"'),
    `<rect x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2" fill="${COLOURS[row.kind]}"/>`,
    text(LABEL + width + 6, base, ratio, 'class="value"'),
  ].join('\n')
}

function panel({ title, rows }: StepResult, x: number, y: number): string {
  const shown = rows.filter(({ kind, contender }) => kind !== 'limit' && !contender.includes(','))
  const bars = shown.map((row, index) => bar(row, HEAD + index * (BAR + GAP)))
  return `<g transform="translate(${x} ${y})">\n${text(16, 18, title, 'class="case"')}\n${bars.join('\n')}\n</g>`
}

/** An SVG that reads on a light and on a dark page. */
export function chartOf({ steps, machine, takenAt, loadAfter }: RunResult): string {
  const shown = steps.filter(({ measure }) => measure === 'end-to-end')
  const most = Math.max(...shown.map(({ rows }) => rows.length))
  const height = HEAD + most * (BAR + GAP) + 14
  const panels = shown.map((step, index) =>
    panel(step, (index % 2) * PANEL, TOP + Math.floor(index / 2) * height),
  )
  const total = TOP + Math.ceil(shown.length / 2) * height + 28
  const foot = `${machine.processors} x ${machine.model}, Node ${machine.node}, ${takenAt.slice(0, 10)}, load ${machine.load[0]} before and ${loadAfter[0]} after; posthorn in blue, job queues in orange`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${total}" role="img" aria-label="Deliveries per second as a share of a bare HTTP loop">
<style>text { font: 12px system-ui, sans-serif; fill: #1e293b } .head { font-size: 16px; font-weight: 600 } .case { font-weight: 600 } .value { font-variant-numeric: tabular-nums } .foot { font-size: 11px; fill: #64748b }</style>
<rect width="${WIDTH}" height="${total}" rx="8" fill="#f8fafc"/>
${text(16, 30, 'Deliveries per second, as a share of a bare HTTP loop that stores nothing', 'class="head"')}
${text(16, 52, 'Same requests, same client, same receiver, in turns in one run; longer is faster, 1.00 is the loop.')}
${panels.join('\n')}
${text(16, total - 12, foot, 'class="foot"')}
</svg>
`
}
