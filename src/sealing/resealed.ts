/** What resealing counts, and its one step: a text under the current key. */
import type { SealContext, Sealer } from '../sealing.ts'

/** How resealing went. */
export interface ResealCount {
  /** All that were looked at. */
  readonly looked: number
  /** Those of them of which something was sealed anew. */
  readonly resealed: number
  /** Those with something that no key opens. They stay as they are; the hook `problem` is told of each. */
  readonly unreadable: number
}

/**
 * The text under the current key: itself where it is. It is opened in any case, so that what cannot be read is known.
 *
 * @throws PosthornError `SECRET_UNREADABLE`, `SEALER_FAILED`
 */
export async function sealedAnew(sealer: Sealer, text: string, context: SealContext): Promise<string> {
  const plain = await sealer.open(text, context)
  return sealer.isCurrent?.(text) ? text : sealer.seal(plain, context)
}
