/** Settings of the delivery policy that make no sense are refused when a sender is made. */
import { expect, it } from 'vitest'
import { setup } from '../support/setup.ts'

it.each([
  ['notices', { notices: { eventType: 'not a name' } }],
  ['breaker', { breaker: { failures: 0 } }],
  ['breaker', { breaker: { failureShare: 1.1 } }],
  ['disableAfter', { disableAfter: { spanMs: 0 } }],
  ['tenantLimits', { tenantLimits: { rate: { count: 0, perMs: 1 } } }],
  ['retryIf', { retryIf: 5 }],
])('settings of notices, breakers and limits refuse what makes no sense: %s', (path, options) => {
  const refused = expect.objectContaining({ code: 'INVALID_OPTION', path: expect.stringContaining(path) })
  expect(() => setup(options as never)).toThrow(refused)
})
