/** Our own UUIDs v7: their form, their order, and that they differ. */
import { describe, expect, it } from 'vitest'
import { createUuids } from '../src/uuid.ts'

const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('uuid v7', () => {
  it('carries the time and has the form of RFC 9562', () => {
    const id = createUuids(() => 0x0123_4567_89ab + 0.75)()
    expect(id).toMatch(FORM)
    expect(id.startsWith('01234567-89ab-7')).toBe(true)
  })

  it('grows within a millisecond, over every carry of its counter, and when the clock goes back', () => {
    let ms = 1_700_000_000_000
    const next = createUuids(() => ms)
    const ids = Array.from({ length: 200_000 }, next)
    ms -= 60_000
    ids.push(...Array.from({ length: 10 }, next))
    ms += 60_001
    ids.push(next())
    expect(ids.every((id) => FORM.test(id))).toBe(true)
    expect(new Set(ids).size).toBe(ids.length)
    expect([...ids].sort()).toEqual(ids)
  })

  it('differs between two generators of one instant', () => {
    const one = createUuids(() => 1)
    const other = createUuids(() => 1)
    const ids = Array.from({ length: 1_000 }, () => [one(), other()]).flat()
    expect(new Set(ids).size).toBe(2_000)
  })
})
