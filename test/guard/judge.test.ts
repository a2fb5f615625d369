import { describe, expect, it } from 'vitest'
import { addressGuard } from '../../src/guard.ts'
import { corpusCases, judged, ownCases } from './cases.ts'

describe('the judge', () => {
  it.each([...corpusCases, ...ownCases])('$id: $url, $why', async (one) => {
    expect(await judged(addressGuard(one.options), one)).toBe(one.allowed)
  })

  it('names the addresses that may be dialled, in order, and none of what it refuses', async () => {
    const guard = addressGuard()
    const resolve = () => ['93.184.216.34', '2606:4700::1']
    expect(await guard.judge('https://example.com/', { resolve })).toEqual({
      allowed: true,
      reason: null,
      rule: null,
      addresses: ['93.184.216.34', '2606:4700::1'],
    })
    expect(await guard.judge('https://93.184.216.34/')).toMatchObject({ addresses: ['93.184.216.34'] })
    const refused = await guard.judge('https://example.com/', { resolve: () => ['10.0.0.1'] })
    expect(refused).toMatchObject({ allowed: false, rule: 'address', addresses: [] })
  })

  it('asks for a name once, and for a literal address never', async () => {
    const asked: string[] = []
    const resolve = async (hostname: string) => {
      asked.push(hostname)
      return ['93.184.216.34']
    }
    const guard = addressGuard()
    for (const url of ['https://EXAMPLE.com./a', 'https://127.0.0.1/', 'https://[::1]/', 'https://8.8.8.8/'])
      await guard.judge(url, { resolve })
    expect(asked).toEqual(['example.com'])
  })

  it.each([
    ['rejects', () => Promise.reject(new Error('SERVFAIL'))],
    [
      'throws',
      () => {
        throw new Error('broken')
      },
    ],
    ['returns no list', () => 'x' as never],
    ['returns an empty list', () => []],
  ])('refuses when the look-up %s', async (_how, resolve) => {
    const verdict = await addressGuard().judge('https://example.com/', { resolve })
    expect(verdict).toMatchObject({ allowed: false, rule: 'look-up', addresses: [] })
  })

  it.each([undefined, null, 5, {}, []])('refuses %j, which is no URL', async (url) => {
    expect(await addressGuard().judge(url as never)).toMatchObject({ allowed: false })
  })

  it.each([
    ['http://example.com/', 'allowHttp'],
    ['https://localhost/', "allowHosts: ['localhost']"],
    ['https://10.0.0.1/', 'allowCidrs'],
    ['https://example.com:22/', 'allowPorts'],
  ])('says for %s which option would allow it', async (url, option) => {
    expect((await addressGuard().judge(url)).reason).toContain(option)
  })

  it('regression: judges a name beyond ASCII the same after thousands of calls (URL.canParse of Node 20)', async () => {
    for (let i = 0; i < 8_000; i++)
      expect(addressGuard().judgeUrl('https://bücher.example/').allowed).toBe(true)
  })

  it('never repeats what the URL carries', async () => {
    for (const url of ['https://user:hunter2@example.com/', 'http://10.0.0.1/?token=hunter2', 'hunter2'])
      expect((await addressGuard().judge(url)).reason).not.toMatch(/hunter2/)
  })
})

describe('the options of the guard', () => {
  it.each([
    [{ allowHtpp: true }, 'allowHtpp'],
    [{ allowHttp: 'yes' }, 'allowHttp'],
    [{ allowCidrs: '10.0.0.0/8' }, 'allowCidrs'],
    [{ allowCidrs: ['10.0.0.0/33'] }, 'allowCidrs[0]'],
    [{ allowCidrs: ['::1/129'] }, 'allowCidrs[0]'],
    [{ allowCidrs: ['10.0.0.0/08'] }, 'allowCidrs[0]'],
    [{ allowCidrs: ['010.0.0.0/8'] }, 'allowCidrs[0]'],
    [[], 'guard'],
    [{ allowCidrs: ['10.0.0.0/8', '10/8'] }, 'allowCidrs[1]'],
    [{ denyCidrs: ['10.0.0.0/8/8'] }, 'denyCidrs[0]'],
    [{ denyCidrs: ['fe80::%lo/10'] }, 'denyCidrs[0]'],
    [{ denyCidrs: ['10.0.0.0/'] }, 'denyCidrs[0]'],
    [{ allowHosts: ['https://example.com'] }, 'allowHosts[0]'],
    [{ allowHosts: ['a.*.com'] }, 'allowHosts[0]'],
    [{ allowHosts: ['*'] }, 'allowHosts[0]'],
    [{ denyHosts: [''] }, 'denyHosts[0]'],
    [{ allowPorts: [0] }, 'allowPorts[0]'],
    [{ allowPorts: ['22'] }, 'allowPorts[0]'],
    [{ denyPorts: [65_536] }, 'denyPorts[0]'],
  ])('%j are refused', (options, path) => {
    expect(() => addressGuard(options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', path }),
    )
  })
})
