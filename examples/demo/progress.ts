/** Live progress: one line that updates itself on a terminal, a plain line a second anywhere else. */

/** What the line shows. */
export interface Progress {
  published: number
  attempts: number
  accepted: number
  succeeded: number
}

/** Starts to draw; call the returned function to end it. */
export function drawProgress(
  progress: Readonly<Progress>,
  due: number,
  out: NodeJS.WriteStream = process.stdout,
): () => void {
  const live = out.isTTY === true
  const startedAt = performance.now()

  function line(): string {
    const share = due === 0 ? 1 : progress.accepted / due
    const bar = '█'.repeat(Math.round(share * 24)).padEnd(24, '░')
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    return `${bar} ${progress.accepted}/${due} delivered · ${progress.published} published · ${progress.attempts} attempts · ${seconds} s`
  }

  const draw = (): unknown => out.write(live ? `\r\x1b[2K${line()}` : `${line()}\n`)
  const timer = setInterval(draw, live ? 80 : 1_000)
  return () => {
    clearInterval(timer)
    draw()
    if (live) out.write('\n')
  }
}
