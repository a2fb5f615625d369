/** Lines of the log: one a minute for each cause, and a hook that hears of everything. */
import { expect, it } from 'vitest'
import { PosthornError } from '../src/errors.ts'
import { createReporter } from '../src/report.ts'
import { manualClock } from '../src/testing/index.ts'

function setup() {
  const clock = manualClock()
  const lines: string[] = []
  const told: string[] = []
  const line = (_details: object, message: string) => void lines.push(message)
  const logger = { debug() {}, info() {}, warn: line, error: line }
  const report = createReporter({ problem: ({ during }) => void told.push(during) }, logger, clock)
  const failed = (message: string, cause: Error) => new PosthornError('STORE_FAILED', message, { cause })
  return { clock, lines, told, report, failed }
}

it('writes one line a minute about a database that does not answer, whatever was asked of it', async () => {
  const { clock, lines, told, report, failed } = setup()
  const late = new PosthornError('STORE_FAILED', 'a statement took longer than 10000 ms')
  report.problem('claim', failed('no claim', late))
  report.problem('statistics', failed('no statistics', late))
  report.problem('settle', failed('no settling', failed('wrapped', late)))
  expect(lines).toEqual(['no claim'])
  expect(told).toEqual(['claim', 'statistics', 'settle'])
  await clock.advance(60_000)
  report.problem('settle', failed('no settling', late))
  expect(lines).toEqual(['no claim', 'no settling'])
})

it('writes a line for each other cause', () => {
  const { lines, report, failed } = setup()
  report.problem('claim', failed('not reached', Object.assign(new Error('down'), { code: 'ECONNREFUSED' })))
  report.problem('record', failed('refused', Object.assign(new Error('check'), { code: '23514' })))
  report.problem('record', failed('odd', new TypeError('odd')))
  report.problem('expand', failed('odd, too', new TypeError('odd')))
  report.problem('deliver', new PosthornError('SIGNING_FAILED', 'no key'))
  expect(lines).toEqual(['not reached', 'refused', 'odd', 'odd, too', 'no key'])
})

const coded = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more })

it('tells two steps apart that met the same code', () => {
  const { lines, report, failed } = setup()
  for (const code of ['23514', '42P01', 'ER_DUP_ENTRY', 'ERR_INVALID_ARG_TYPE', 'SQLITE_CONSTRAINT'])
    for (const during of ['record', 'statistics', 'record'])
      report.problem(during, failed(`${during} ${code}`, coded(code)))
  expect(lines).toHaveLength(10)
  expect(new Set(lines).size).toBe(10)
})

it('sees the statement below what the store says of it', () => {
  const { lines, report, failed } = setup()
  report.problem('record', failed('no record', failed('wrapped', coded('23514'))))
  report.problem('claim', failed('no claim', failed('wrapped', coded('42P01'))))
  expect(lines).toEqual(['no record', 'no claim'])
})

it.each([
  'ECONNREFUSED',
  'ETIMEDOUT',
  'CONNECTION_CLOSED',
  'PROTOCOL_CONNECTION_LOST',
  '57P01',
  '08006',
  '53300',
  'SQLITE_BUSY',
  'STORE_FULL',
])('writes one line for all steps about %s', (code) => {
  const { lines, report, failed } = setup()
  for (const during of ['claim', 'record', 'statistics']) report.problem(during, failed(during, coded(code)))
  expect(lines).toEqual(['claim'])
})

it('tells apart what node:sqlite has one code for', () => {
  const { lines, report, failed } = setup()
  const sqlite = (during: string, errcode: number) =>
    report.problem(during, failed(`${during} ${errcode}`, coded('ERR_SQLITE_ERROR', { errcode })))
  for (const during of ['claim', 'record'])
    for (const errcode of [13, 261, 5, 275, 1]) sqlite(during, errcode)
  // 13: full; 5 and 261: busy, which are the same; 275 and 1: a constraint and an error of one statement.
  expect(lines).toEqual(['claim 13', 'claim 261', 'claim 275', 'claim 1', 'record 275', 'record 1'])
})

it("does not take a failure of the host's own database for one of the store's", () => {
  const { lines, report, failed } = setup()
  report.problem('retryIf', failed('the host is asked', coded('ECONNREFUSED')))
  report.problem('claim', failed('no claim', coded('ECONNREFUSED')))
  expect(lines).toEqual(['the host is asked', 'no claim'])
})

it('ends with a cause that is its own cause', () => {
  const { lines, report, failed } = setup()
  const round = coded('23514')
  round.cause = round
  report.problem('record', failed('round', round))
  expect(lines).toEqual(['round'])
})

it('is not flooded by codes that are made of what somebody sent, and tells apart again a minute later', async () => {
  const { clock, lines, told, report, failed } = setup()
  for (let n = 0; n < 10_000; n++) report.problem('retryIf', failed('flood', coded(`E${n}`)))
  for (let n = 0; n < 10_000; n++) report.problem('retryIf', failed('flood', coded(`odd code ${n}`)))
  report.problem('claim', failed('no claim', coded('23514')))
  report.problem('claim', failed('no claim either', coded('42P01')))
  expect(told).toHaveLength(20_002)
  expect(lines).toEqual([...Array(20).fill('flood'), 'no claim', 'no claim either'])
  await clock.advance(60_000)
  lines.length = 0
  for (const code of ['E1', 'E2', 'E1']) report.problem('retryIf', failed(code, coded(code)))
  expect(lines).toEqual(['E1', 'E2'])
})

it('tells errors without a code apart by their class', () => {
  const { lines, report, failed } = setup()
  report.problem('expand', failed('a type', new TypeError('odd')))
  report.problem('expand', failed('a range', new RangeError('odd')))
  report.problem('expand', failed('another type', new TypeError('even')))
  report.problem('expand', new PosthornError('STORE_FAILED', 'without a cause'))
  expect(lines).toEqual(['a type', 'a range', 'without a cause'])
})
