/** Reads a web stream up to the limits of an answer's body, then cancels it. */
import { MAX_EXCERPT_BYTES, MAX_READ_BYTES } from '../transport.ts'

/** The start of a body. */
export interface CappedBody {
  /** The first 16 KB. */
  readonly bytes: Uint8Array
  /** True when there was more. */
  readonly truncated: boolean
}

const NO_BODY = new Uint8Array(0)

/** Reads at most 128 KB and keeps 16 KB. Rejects as the stream does. */
export async function readCapped(stream: ReadableStream<Uint8Array> | null): Promise<CappedBody> {
  if (stream === null) return { bytes: NO_BODY, truncated: false }
  const reader = stream.getReader()
  const kept = new Uint8Array(MAX_EXCERPT_BYTES)
  let keptBytes = 0
  let readBytes = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    readBytes += value.byteLength
    const part = value.subarray(0, MAX_EXCERPT_BYTES - keptBytes)
    kept.set(part, keptBytes)
    keptBytes += part.byteLength
    if (readBytes > MAX_READ_BYTES) {
      reader.cancel().catch(() => {})
      break
    }
  }
  return { bytes: kept.subarray(0, keptBytes), truncated: readBytes > keptBytes }
}
