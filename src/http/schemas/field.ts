/** Fields that many schemas share: instants, numbers and flags of a query, ids, pages. */
import { z } from 'zod/v4'
import { described, names } from './named.ts'

/** An instant that comes in: ISO 8601 with an offset or `Z`. The call gets a Date. */
export const instantIn = () => z.iso.datetime({ offset: true }).transform((text) => new Date(text))

/** An instant that goes out. JSON writes it in ISO 8601. */
export const instantOut = () => z.date()

/**
 * A word that goes out. This version stores those that are listed; a newer one that shares the tables may store others, which
 * are shown as they are: a reader must not fail on one that it does not know.
 */
export function wordOut<const Word extends string>(...words: readonly Word[]): z.ZodType<Word, Word> {
  const open = z.union([z.enum(words), z.string()])
  names.add(open, { description: 'One of these, or a word of a newer version: expect unknown ones.' })
  return open as unknown as z.ZodType<Word, Word>
}

const numberOf = (value: unknown) =>
  typeof value === 'string' && /^-?\d{1,16}$/.test(value) ? Number(value) : value

/** A whole number in a query string. */
export const queryInt = (min: number, max: number) => z.preprocess(numberOf, z.int().min(min).max(max))

const flagOf = (value: unknown) => (value === 'true' ? true : value === 'false' ? false : value)

/** `true` or `false` in a query string. */
export const queryFlag = () => z.preprocess(flagOf, z.boolean())

/** Labels: the same limits as in the library. */
export const labels = () => z.record(z.string().min(1).max(128), z.string().max(500))

/** Labels that go out: as they are stored, also where a row was written past the limits. */
export const labelsOut = () => z.record(z.string(), z.string()).readonly()

/** An id in a path or filter. What is no id at all reads as missing, like an unknown one. */
export const idText = (max = 255) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((text) => !/[\p{Cc}\p{Surrogate}]/u.test(text), 'has a control character')

/** Text of a filter: what no row can hold is refused before a store sees it. */
export const filterText = () => idText()

/** Span of time of a list. */
export const spanQuery = {
  since: described(instantIn().optional(), 'At this instant or later.'),
  until: described(instantIn().optional(), 'Before this instant.'),
}

/** What every list takes. */
export const pageQuery = {
  limit: described(queryInt(1, 1000).optional(), 'Rows at most; 50 by default.'),
  cursor: described(z.string().max(1024).optional(), '`nextCursor` of the page before.'),
  total: described(queryFlag().optional(), 'Count all matching rows, too.'),
}

/** A page of a list, newest first. */
export const pageOf = <S extends z.ZodType>(item: S) =>
  z.object({
    items: z.array(item).readonly(),
    nextCursor: described(z.string().nullable(), 'Pass it as `cursor` to go on; null on the last page.'),
    total: described(z.number().nullable(), 'How many match on all pages; null unless asked for.'),
  })
