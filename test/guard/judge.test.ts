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
    ['returns a list of holes', () => new Array(2)],
    ['returns a hole beside an address', () => Object.assign(new Array(2), { 0: '93.184.216.34' })],
    ['returns the answers of dns.lookup', () => [{ address: '93.184.216.34', family: 4 }] as never],
    ['is no function', 5 as never],
  ])('refuses when the look-up %s', async (_how, resolve) => {
    const verdict = await addressGuard().judge('https://example.com/', { resolve })
    expect(verdict).toMatchObject({ allowed: false, rule: 'look-up', addresses: [] })
  })

  it('says of answers in a wrong shape that they are, and not that they are private', async () => {
    const resolve = () => [{ address: '93.184.216.34', family: 4 }] as never
    const { reason } = await addressGuard().judge('https://example.com/', { resolve })
    expect(reason).toContain('`resolve` must return a list of addresses')
  })

  it('never rejects, whatever the options are', async () => {
    const throwing = {
      get resolve(): never {
        throw new Error('broken')
      },
    }
    for (const options of [throwing, new Proxy({}, { get: () => throwing.resolve })])
      expect(await addressGuard().judge('https://example.com/', options)).toMatchObject({ rule: 'look-up' })
    expect(await addressGuard().judge('https://8.8.8.8/', null as never)).toMatchObject({ allowed: true })
  })

  it.each([undefined, null, '8.8.8.8', { 0: '8.8.8.8', length: 1 }, [], new Array(2), [['8.8.8.8']]])(
    'lets %j not pass as addresses',
    (addresses) => {
      expect(addressGuard().judgeAddresses('example.com', addresses as never)).toBe(false)
      expect(addressGuard().judgeAddresses(undefined as never, ['8.8.8.8'])).toBe(false)
    },
  )

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

  it.each(['localhost', 'app.localhost', 'mylocalhost', 'a.b.internal', 'router', 'x.test'])(
    'names an option for %s that does open it',
    async (name) => {
      const resolve = () => ['127.0.0.1']
      const { reason } = await addressGuard().judge(`https://${name}/`, { resolve })
      const [, host = ''] = /`allowHosts: \['(.*)'\]`/.exec(reason ?? '') ?? []
      const opened = addressGuard({ allowHosts: [host] })
      expect(await opened.judge(`https://${name}/`, { resolve })).toMatchObject({ allowed: true })
    },
  )

  it.each([
    ['https://ทำ.com/', 'https://xn--o3c8c0d.com/'],
    ['https://نامه\u200cای.com/', 'https://xn--mgba3gch31f060k.com/'],
  ])('says that %s can be written in punycode, and takes it then', (name, punycode) => {
    expect(addressGuard().judgeUrl(name)).toMatchObject({ reason: expect.stringContaining('punycode') })
    expect(addressGuard().judgeUrl(punycode)).toMatchObject({ allowed: true })
    expect(new URL(name).hostname).toBe(new URL(punycode).hostname)
  })

  it('says of a literal address why it is refused, and of a name one thing for all addresses', async () => {
    const denyCidrs = ['8.8.8.0/24', '10.9.0.0/16']
    const guard = addressGuard({ denyCidrs, allowCidrs: ['10.0.0.0/8'] })
    const reasonOf = (address: string) => {
      const verdict = guard.judgeUrl(`https://${address}/`)
      return verdict.allowed ? null : verdict.reason
    }
    expect(reasonOf('8.8.8.8')).toContain('denied')
    expect(reasonOf('10.9.0.1')).toBe(reasonOf('8.8.8.8'))
    for (const address of ['127.0.0.1', '169.254.169.254', '192.0.2.1', '224.0.0.1', '[::1]'])
      expect(reasonOf(address)).toMatch(/not public: the option `allowCidrs`/)
    const said = new Set<unknown>()
    for (const address of ['8.8.8.8', '10.9.0.1', '127.0.0.1', '169.254.169.254', '192.0.2.1', '::', 'x'])
      said.add(JSON.stringify(await guard.judge('https://example.com/', { resolve: () => [address] })))
    expect([...said]).toEqual([expect.stringMatching(/not public, or on the list of denied blocks/)])
  })

  it('does not name an option that is set already', () => {
    const guard = addressGuard({ allowPrivateNetworks: true })
    const verdict = guard.judgeUrl('https://169.254.169.254/')
    expect(verdict).toMatchObject({
      allowed: false,
      reason: expect.not.stringContaining('allowPrivateNetworks'),
    })
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
    [{ denyCidrs: ['::ffff:08.0.0.0/112'] }, 'denyCidrs[0]'],
    [{ denyCidrs: ['::ffff:10.0.0.0/8'] }, 'denyCidrs[0]'],
    [{ denyCidrs: ['::ffff:a00:0/95'] }, 'denyCidrs[0]'],
    [{ allowHosts: ['https://example.com'] }, 'allowHosts[0]'],
    [{ denyHosts: ['.example.com'] }, 'denyHosts[0]'],
    [{ denyHosts: ['example..com'] }, 'denyHosts[0]'],
    [{ denyHosts: ['*.*.com'] }, 'denyHosts[0]'],
    [{ denyHosts: ['example.com..'] }, 'denyHosts[0]'],
    [{ denyHosts: ['example.com', '.'] }, 'denyHosts[1]'],
    [{ denyHosts: [`${'a'.repeat(64)}.com`] }, 'denyHosts[0]'],
    [{ allowHosts: ['127.0.0.1'] }, 'allowHosts[0]'],
    [{ allowHosts: ['0x7f.1'] }, 'allowHosts[0]'],
    [{ allowHosts: ['*.127.0.0.1'] }, 'allowHosts[0]'],
    [{ allowHosts: ['[::1]'] }, 'allowHosts[0]'],
    [{ denyHosts: ['8.8.8.8'] }, 'denyHosts[0]'],
    [{ allowCidrs: new Array(2) }, 'allowCidrs[0]'],
    [{ allowPorts: new Array(2) }, 'allowPorts[0]'],
    [new Map([['allowHttp', true]]), 'guard'],
    [null, 'guard'],
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

  it.each([
    [{ allowHtpp: true }, 'The option `allowHtpp` is not known. Did you mean "allowHttp"?'],
    [{ colour: true }, 'The option `colour` is not known.'],
    [
      { denyHosts: ['.evil.example'] },
      'The option `denyHosts[0]` begins with a dot: write `evil.example`, or `*.evil.example` for the names below it.',
    ],
    [
      { allowCidrs: ['10.0.0.0/8', '64:ff9b::10.1.0.0/112'] },
      'The option `allowCidrs[1]` spells IPv4 in NAT64: write it as IPv4, `10.1.0.0/16`, which holds for every spelling.',
    ],
    [
      { allowHosts: ['::1'] },
      'The option `allowHosts[0]` must be a host name: addresses are for `allowCidrs`.',
    ],
    [
      { denyHosts: ['8.8.8.8'] },
      'The option `denyHosts[0]` must be a host name: addresses are for `denyCidrs`.',
    ],
  ])('%j are refused in a whole sentence that names the way out', (options, message) => {
    expect(() => addressGuard(options as never)).toThrow(expect.objectContaining({ message }))
  })

  it('are taken as URLs are read: any case, a dot at the end, letters beyond ASCII', () => {
    const guard = addressGuard({ denyHosts: ['EXAMPLE.com.', 'bücher.example', '*.below.example'] })
    for (const name of ['example.com', 'a.example.com', 'xn--bcher-kva.example', 'a.below.example'])
      expect(guard.judgeUrl(`https://${name}/`), name).toMatchObject({ rule: 'denied host' })
  })

  it('a block that spells IPv4 as IPv6 with the length of IPv4 is told how to be written', () => {
    const make = () => addressGuard({ denyCidrs: ['::ffff:10.0.0.0/8'] })
    expect(make).toThrow('write it as IPv4, `10.0.0.0/8`')
  })
})
