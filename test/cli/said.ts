/** Runs a command of `npx posthorn` in this process: its exit code, and what it wrote. */
import { main } from '../../src/cli/main.ts'

export async function posthorn(
  ...argv: readonly string[]
): Promise<{ readonly code: number; readonly text: string }> {
  const lines: string[] = []
  const code = await main(argv, (line) => void lines.push(line))
  return { code, text: lines.join('\n') }
}
