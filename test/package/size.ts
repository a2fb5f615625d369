/**
 * The size budget of `posthorn/verify`: what a receiver's bundle gets when it imports `verify`, minified and gzipped.
 * `npx tsx test/package/size.ts` weighs the built file and ends with status 1 when it is over.
 */
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** Bytes, gzipped. */
export const VERIFY_BUDGET = 1_500

/** Gzipped bytes of a bundle that imports `verify` from `file`. */
export async function verifySize(file: string): Promise<number> {
  const built = await build({
    stdin: { contents: `export { verify } from ${JSON.stringify(file)}`, resolveDir: '.' },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
  })
  return gzipSync(built.outputFiles[0]?.text ?? '', { level: 9 }).length
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const size = await verifySize(fileURLToPath(new URL('../../dist/verify.js', import.meta.url)))
  console.log(`verify: ${size} of ${VERIFY_BUDGET} bytes gzipped`)
  process.exitCode = size < VERIFY_BUDGET ? 0 : 1
}
