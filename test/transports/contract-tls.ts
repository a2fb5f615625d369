/** The transport suite, TLS: what is trusted, and what each failure of the handshake is called. */
import { createSecureContext, type TlsOptions } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { certificateOf, tlsFixture } from '../support/evil-receiver.ts'
import { type ContractOptions, contractSetup, DEADLINE_MS } from './contract-setup.ts'
import { expectations } from './expectations.ts'

/** A fatal alert 112, as a server sends it that knows no host of the name in the handshake (RFC 6066). */
const UNRECOGNIZED_NAME = Buffer.from('15030300020270', 'hex')

/** A server with this certificate for those who ask for localhost by SNI, and others for whoever asks for nothing or for another name. */
const bySni = (name: string): TlsOptions => ({
  ...certificateOf(name === 'good' ? 'other-host' : 'good'),
  SNICallback: (asked, done) =>
    done(null, createSecureContext(certificateOf(asked === 'localhost' ? name : 'expired'))),
})

/** Runs the TLS cases. */
export function tlsContract(options: ContractOptions): void {
  const { name, overFetch = false } = options
  const { setup, socketsClosed } = contractSetup(options)
  /** Fetch takes no authority, has no connect timeout, keeps its connections to itself, and loses the race for an idle one. */
  const ofOwnSockets = (title: string, prove: () => Promise<void>): void => {
    if (!overFetch) test(title, prove)
  }

  describe(`${name}: TLS`, () => {
    for (const { mode, expected } of expectations) {
      ofOwnSockets(`${mode} over TLS comes to the same`, async () => {
        const { evil, send } = await setup({ tls: 'good' })
        const slow = 'code' in expected && expected.code === 'timeout'
        // A handshake of its own comes first, so that the deadline meets the answer and not it.
        await send('ok')
        const result = await send(mode, slow ? { deadlineMs: DEADLINE_MS } : {})
        if ('code' in expected) {
          expect(result).toMatchObject({ kind: 'failure', mayHaveBeenReceived: true, ...expected })
          await socketsClosed(evil)
        } else expect(result).toMatchObject({ kind: 'response', ...expected })
      })
    }

    ofOwnSockets('a trusted certificate is accepted', async () => {
      const { send } = await setup({ tls: 'good' })
      expect(await send('ok')).toMatchObject({ kind: 'response', excerpt: 'fine' })
    })

    const wrong: readonly (readonly [what: string, tls: string | TlsOptions, words: RegExp])[] = [
      ['expired', 'expired', /certificate .* has expired/],
      ['not yet valid', 'not-yet-valid', /not valid yet/],
      ['self-signed', 'self-signed', /self-signed/],
      ['for another host', 'other-host', /another host name/],
      ['without the one between it and the authority', 'incomplete', /chain of the receiver is incomplete/],
      ['for another host, chosen by the name that was asked for', bySni('other-host'), /another host name/],
    ]
    test.each(wrong)('a certificate that is wrong (%s) fails and says so', async (_what, tls, words) => {
      const { evil, send } = await setup({ tls })
      const result = await send('ok')
      expect(result).toMatchObject({ code: 'tls', mayHaveBeenReceived: false })
      if (!overFetch) expect(result.kind === 'failure' && result.message).toMatch(words)
      expect(evil.requests).toHaveLength(0)
    })

    ofOwnSockets('the certificate that the asked name leads to is the one that counts', async () => {
      const { send } = await setup({ tls: bySni('good') })
      expect(await send('ok')).toMatchObject({ kind: 'response', excerpt: 'fine' })
    })

    ofOwnSockets('a chain that is whole is accepted', async () => {
      const { key, cert } = certificateOf('incomplete')
      const { send } = await setup({ tls: { key, cert: cert + tlsFixture('intermediate') } })
      expect(await send('ok')).toMatchObject({ kind: 'response', excerpt: 'fine' })
    })

    test('a receiver that has no certificate for the name says so in the handshake', async () => {
      const { evil, send } = await setup({
        onAccept: (socket) => socket.once('data', () => socket.end(UNRECOGNIZED_NAME)),
      })
      const result = await send('', { url: `https://localhost:${evil.port}/` })
      expect(result).toMatchObject({ code: 'tls', ...(overFetch ? {} : { mayHaveBeenReceived: false }) })
      if (!overFetch)
        expect(result.kind === 'failure' && result.message).toMatch(/no certificate for this host name/)
    })

    test('a receiver that speaks TLS 1.0 only gets nothing', async () => {
      const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
      const { evil, send } = await setup({ tls: { ...certificateOf('good'), ...old } })
      const result = await send('ok')
      expect(result).toMatchObject({ code: 'tls', ...(overFetch ? {} : { mayHaveBeenReceived: false }) })
      if (!overFetch)
        expect(result.kind === 'failure' && result.message).toMatch(/no TLS version that is safe enough/)
      expect(evil.requests).toHaveLength(0)
    })

    test('plain HTTP behind an https URL is a tls failure', async () => {
      const { evil, send } = await setup({
        onAccept: (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
      })
      const result = await send('', { url: `https://127.0.0.1:${evil.port}/` })
      expect(result).toMatchObject({ code: 'tls', mayHaveBeenReceived: false })
    })

    test('TLS behind an http URL may have seen the request in clear', async () => {
      const { evil, send } = await setup({ tls: 'good' })
      const result = await send('', { url: `http://127.0.0.1:${evil.port}/` })
      expect(result).toMatchObject({ kind: 'failure', mayHaveBeenReceived: true })
      expect(['protocol', 'reset']).toContain(result.kind === 'failure' && result.code)
    })

    test('a reset in the handshake is a tls failure', async () => {
      const { evil, send } = await setup({
        onAccept: (socket) => socket.once('data', () => socket.resetAndDestroy()),
      })
      const result = await send('', { url: `https://127.0.0.1:${evil.port}/` })
      expect(result).toMatchObject(
        overFetch ? { kind: 'failure' } : { code: 'tls', mayHaveBeenReceived: false },
      )
    })

    test('a handshake that stalls ends with the deadline and was not received', async () => {
      const { evil, send } = await setup({ onAccept: (socket) => socket.resume() })
      const result = await send('', { url: `https://127.0.0.1:${evil.port}/`, deadlineMs: DEADLINE_MS })
      expect(result).toMatchObject({ code: 'timeout', mayHaveBeenReceived: overFetch })
      await socketsClosed(evil)
    })

    ofOwnSockets('a handshake that stalls ends with the connect timeout', async () => {
      const { evil, send } = await setup({ onAccept: (socket) => socket.resume() }, { connectTimeoutMs: 100 })
      const result = await send('', { url: `https://127.0.0.1:${evil.port}/` })
      expect(result).toMatchObject({ code: 'tls', mayHaveBeenReceived: false })
      await socketsClosed(evil)
    })
  })
}
