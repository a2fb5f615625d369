/** `sealedSecrets`: what it accepts, what a sealed text tells, and what opens it. */
import { describe, expect, it } from 'vitest'
import { sealedSecrets } from '../../src/index.ts'
import type { SealContext } from '../../src/sealing.ts'

/** Obviously fake keys: 32 times the same byte. */
const key = (byte: number) => new Uint8Array(32).fill(byte)
const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes))
const context: SealContext = { tenantId: 'acme', subscriptionId: 'sub_1', purpose: 'secret' }
const plain = 'whsec_obviously-fake'

describe('sealedSecrets', () => {
  it.each(['', 'a', 'späte 🔑', '\uFEFFbom', 'x'.repeat(300_000)])('opens what it sealed', async (text) => {
    const sealer = sealedSecrets({ keys: [key(1)] })
    const sealed = await sealer.seal(text, context)
    expect(sealed).toMatch(/^posthorn-sealed\.[\w-]{11}\.[\w-]+$/)
    expect(await sealer.open(sealed, context)).toBe(text)
  })

  it('never makes the same text twice, and names its key without telling it', async () => {
    const sealer = sealedSecrets({ keys: [key(1)] })
    const [one, two] = [await sealer.seal(plain, context), await sealer.seal(plain, context)]
    expect(one).not.toBe(two)
    expect(one.split('.')[1]).toBe(two.split('.')[1])
    expect(one).not.toContain(plain)
  })

  it('takes the same key as bytes, base64, base64url and hexadecimal', async () => {
    const bytes = key(251)
    const hex = 'fb'.repeat(32)
    const url = base64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace('=', '')
    const sealed = await sealedSecrets({ keys: [bytes] }).seal(plain, context)
    for (const same of [base64(bytes), url, hex, hex.toUpperCase()])
      expect(await sealedSecrets({ keys: [same] }).open(sealed, context)).toBe(plain)
  })

  it('seals with the first key and opens with all', async () => {
    const old = await sealedSecrets({ keys: [key(1)] }).seal(plain, context)
    const both = sealedSecrets({ keys: [key(2), key(1)] })
    const now = await both.seal(plain, context)
    expect(await both.open(old, context)).toBe(plain)
    expect([both.isCurrent?.(old), both.isCurrent?.(now), both.isCurrent?.(plain)]).toEqual([
      false,
      true,
      false,
    ])
    await expect(sealedSecrets({ keys: [key(1)] }).open(now, context)).rejects.toMatchObject({
      code: 'SECRET_UNREADABLE',
    })
  })

  it.each<readonly [string, Partial<SealContext>]>([
    ['tenant', { tenantId: 'other' }],
    ['subscription', { subscriptionId: 'sub_2' }],
    ['purpose', { purpose: 'header' }],
  ])('opens nothing for another %s', async (_, other) => {
    const sealer = sealedSecrets({ keys: [key(1)] })
    const sealed = await sealer.seal(plain, context)
    await expect(sealer.open(sealed, { ...context, ...other })).rejects.toMatchObject({
      code: 'SECRET_UNREADABLE',
    })
  })

  it('opens nothing that was changed, cut or emptied, and says so by code', async () => {
    const sealer = sealedSecrets({ keys: [key(1)] })
    const sealed = await sealer.seal(plain, context)
    const [, id] = sealed.split('.')
    const last = sealed.at(-1) === 'A' ? 'B' : 'A'
    const middle = sealed.length - 10
    const flipped = `${sealed.slice(0, middle)}${sealed[middle] === 'A' ? 'B' : 'A'}${sealed.slice(middle + 1)}`
    const damaged = [`${sealed.slice(0, -2)}${last}!`, sealed.slice(0, -8), flipped]
    for (const text of [...damaged, `posthorn-sealed.${id}.`, `posthorn-sealed.${id}`, 'posthorn-sealed.'])
      await expect(sealer.open(text, context)).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' })
  })

  it('reads what was stored before there were keys, until that is switched off', async () => {
    expect(await sealedSecrets({ keys: [key(1)] }).open(plain, context)).toBe(plain)
    const strict = sealedSecrets({ keys: [key(1)], acceptUnsealed: false })
    await expect(strict.open(plain, context)).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' })
  })

  it.each<readonly [string, unknown]>([
    ['no list', 'abc'],
    ['an empty list', []],
    ['undefined, from an unset variable', [undefined]],
    ['an empty text', ['']],
    ['31 bytes', [new Uint8Array(31)]],
    ['33 bytes', [new Uint8Array(33)]],
    ['16 bytes in base64', [base64(new Uint8Array(16))]],
    ['white space', [` ${base64(key(1))}`]],
    ['the same key twice', [key(1), base64(key(1))]],
  ])('refuses %s as keys', (_, keys) => {
    const make = () => sealedSecrets({ keys: keys as string[] })
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})
