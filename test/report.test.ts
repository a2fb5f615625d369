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
