/** What the evil receiver answers, by the path of the request. Each mode is a few bytes of bad manners. */
import type { Socket } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'

/** One way to answer. */
export interface Mode {
  /** `nth`: how many requests this connection has brought, from 1. */
  answer(socket: Socket, nth: number): void
  /** Answer with the first bytes of the request, without waiting for the rest. */
  readonly atOnce?: boolean
  /** Answer once half of the body has come, without waiting for the rest. */
  readonly atHalf?: boolean
}

const OK = 'HTTP/1.1 200 OK\r\n'
const SAME = Buffer.alloc(10_000_000, 'A')
const BOMB = gzipSync(SAME)

const say = (bytes: string | Buffer): Mode => ({ answer: (socket) => void socket.write(bytes, 'latin1') })
const sayAndClose = (bytes: string | Buffer): Mode => ({
  answer: (socket) => void socket.end(bytes, 'latin1'),
})
const withBody = (body: string | Buffer, headers = '', status = '200 OK'): Mode => {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const head = `HTTP/1.1 ${status}\r\n${headers}content-length: ${bytes.length}\r\n\r\n`
  return say(Buffer.concat([Buffer.from(head, 'latin1'), bytes]))
}

/** Writes the same bytes every few milliseconds until the socket closes. */
const drip = (before: string, bytes: string): Mode => ({
  answer(socket) {
    socket.write(before, 'latin1')
    const timer = setInterval(() => socket.write(bytes, 'latin1'), 10)
    socket.on('close', () => clearInterval(timer))
  },
})

/** Writes the same bytes as fast as the socket takes them, until it closes. */
const pour = (before: string, bytes: string | Buffer): Mode => ({
  answer(socket) {
    const more = () => {
      while (!socket.destroyed && socket.write(bytes));
    }
    socket.on('drain', more)
    socket.write(before, 'latin1')
    more()
  },
})

/** Writes, waits until it is on its way, then resets the connection. */
const sayAndReset = (bytes: string, atOnce = false): Mode => ({
  atOnce,
  answer(socket) {
    if (bytes === '') socket.resetAndDestroy()
    else socket.write(bytes, 'latin1', () => setImmediate(() => socket.resetAndDestroy()))
  },
})

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
const lines = (count: number, line: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => line(n)).join('')

/** All modes by name. */
export const modes: Record<string, Mode | undefined> = {
  // honest ones, to compare with
  ok: withBody('fine', 'content-type: text/plain\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n'),
  'no-content': say('HTTP/1.1 204 No Content\r\n\r\n'),
  'not-modified': say('HTTP/1.1 304 Not Modified\r\n\r\n'),
  'server-error': withBody('broken', 'retry-after: 120\r\n', '503 Service Unavailable'),
  gone: withBody('', '', '410 Gone'),
  redirect: withBody('', 'location: /redirect-target\r\n', '302 Found'),
  'redirect-308': withBody('', 'location: /redirect-target\r\n', '308 Permanent Redirect'),
  'redirect-target': withBody('never'),
  'until-close': sayAndClose('HTTP/1.0 200 OK\r\n\r\nold style'),
  'connection-close': sayAndClose(`${OK}connection: close\r\ncontent-length: 4\r\n\r\nlast`),
  'prototype-headers': withBody('ok', '__proto__: a\r\n__proto__: b\r\nconstructor: c\r\n'),

  // slow
  silent: say(''),
  'headers-drip': drip('HTTP/1.1 200 OK\r\nx-slow: ', 'a'),
  'headers-endless': pour(
    `${OK}`,
    lines(100, (n) => `x-${n}: ${'a'.repeat(50)}\r\n`),
  ),
  'informational-few': say(
    `${'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(3)}${OK}content-length: 2\r\n\r\nok`,
  ),
  'informational-endless': pour('', 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(50)),
  'continue-unasked': say(`HTTP/1.1 100 Continue\r\n\r\n${OK}content-length: 2\r\n\r\nok`),
  'switching-protocols': say('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
  'body-drip': drip(`${OK}content-length: 100000\r\n\r\n`, 'b'),
  'body-stall': say(`${OK}content-length: 100\r\n\r\n${'c'.repeat(99)}`),
  'headers-then-nothing': say(`${OK}content-length: 10\r\n\r\n`),

  // big
  'endless-chunks': pour(`${OK}transfer-encoding: chunked\r\n\r\n`, chunk('d'.repeat(60_000))),
  'endless-tiny-chunks': pour(`${OK}transfer-encoding: chunked\r\n\r\n`, chunk('d').repeat(5_000)),
  'ten-gigabytes': pour(`${OK}content-length: 10737418240\r\n\r\n`, Buffer.alloc(60_000, 'e')),
  'exactly-16k': withBody('f'.repeat(16_384)),
  'just-over-16k': withBody('f'.repeat(16_385)),
  'cut-character': withBody(Buffer.concat([Buffer.alloc(16_383, 'g'), Buffer.from('é'.repeat(10))])),
  '100-kilobytes': withBody('h'.repeat(100_000)),
  'gzip-bomb': withBody(BOMB, 'content-encoding: gzip\r\n'),
  'double-gzip-bomb': withBody(gzipSync(BOMB), 'content-encoding: gzip, gzip\r\n'),
  'brotli-bomb': withBody(brotliCompressSync(SAME), 'content-encoding: br\r\n'),
  'hundred-encodings': withBody(BOMB, `content-encoding: ${Array(100).fill('gzip').join(', ')}\r\n`),
  'length-too-short': say(`${OK}content-length: 5\r\n\r\nhello world`),
  'length-too-long': sayAndClose(`${OK}content-length: 50\r\n\r\nhello`),
  'length-too-long-close': sayAndClose(`${OK}connection: close\r\ncontent-length: 50\r\n\r\nhello`),
  'length-negative': say(`${OK}content-length: -5\r\n\r\nhello`),
  'length-twice': say(`${OK}content-length: 5\r\ncontent-length: 6\r\n\r\nhello!`),
  'length-word': say(`${OK}content-length: five\r\n\r\nhello`),
  'length-and-chunked': say(
    `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  ),
  'header-64k': withBody('x', `x-big: ${'i'.repeat(65_536)}\r\n`),
  'headers-1000': withBody(
    'ok',
    lines(1000, (n) => `x-${n}: 1\r\n`),
  ),
  'megabyte-line': pour('', 'j'.repeat(60_000)),
  'reason-endless': pour('HTTP/1.1 200 ', 'k'.repeat(60_000)),

  // garbage
  'http-0.9': sayAndClose('<html>hello</html>'),
  'h2-preface': say('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  'h2-settings': say(Buffer.from('000000040000000000', 'hex')),
  'tls-alert': sayAndClose(Buffer.from('15030300020246', 'hex')),
  'status-000': say('HTTP/1.1 000 Zero\r\ncontent-length: 0\r\n\r\n'),
  'status-099': say('HTTP/1.1 099 Low\r\ncontent-length: 0\r\n\r\n'),
  'status-600': say('HTTP/1.1 600 High\r\ncontent-length: 0\r\n\r\n'),
  'status-999': say('HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n'),
  'status-glued': say('HTTP/1.1 200OK\r\ncontent-length: 0\r\n\r\n'),
  'nul-in-header': say(`${OK}x-nul: a\0b\r\ncontent-length: 0\r\n\r\n`),
  'bare-lf': say('HTTP/1.1 200 OK\ncontent-length: 2\n\nok'),
  'chunk-minus-one': say(`${OK}transfer-encoding: chunked\r\n\r\n-1\r\nhello\r\n`),
  'invalid-utf8': withBody(Buffer.from([0x61, 0xff, 0xfe, 0x00, 0x62])),
  'lone-surrogate': withBody(Buffer.from([0x61, 0xed, 0xa0, 0x80, 0x62])),
  'all-invalid': withBody(Buffer.alloc(16_384, 0xff)),
  'two-answers': say(`${OK}content-length: 2\r\n\r\noktwo${OK}content-length: 4\r\n\r\nevil`),

  // before the request is whole
  'too-large-early': {
    atOnce: true,
    answer: (socket) => void socket.write('HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig'),
  },

  // cuts
  'reset-on-request-line': sayAndReset('', true),
  'reset-in-request-body': { ...sayAndReset(''), atHalf: true },
  'reset-after-request': sayAndReset(''),
  'close-after-request': sayAndClose(''),
  'reset-in-headers': sayAndReset('HTTP/1.1 200 OK\r\nx-half'),
  'reset-after-headers': sayAndReset(`${OK}content-length: 10\r\n\r\n`),
  'reset-in-body': sayAndReset(`${OK}content-length: 10\r\n\r\nhello`),
  'cut-in-chunks': sayAndClose(`${OK}transfer-encoding: chunked\r\n\r\n${chunk('hello')}`),
  'once-then-close': {
    answer(socket, nth) {
      if (nth === 1) socket.write(`${OK}content-length: 5\r\n\r\nfirst`)
      else socket.destroy()
    },
  },
}
