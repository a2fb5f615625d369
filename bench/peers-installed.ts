/** The peers live in bench/package.json: installed when they are missing, left out where that is not possible. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Null when they are there; else why not. */
export async function missingPeers(print: (line: string) => void): Promise<string | null> {
  const folder = fileURLToPath(new URL('.', import.meta.url))
  const marker = `${folder}node_modules/.package-lock.json`
  if (existsSync(marker)) return null
  print('installing what Posthorn is compared with: npm --prefix bench ci')
  const npm = spawn(
    'npm',
    ['--prefix', folder, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  npm.on('error', () => {})
  await Promise.race([once(npm, 'exit'), once(npm, 'error')])
  return existsSync(marker) ? null : '`npm --prefix bench ci` failed, so the peers are not measured'
}
