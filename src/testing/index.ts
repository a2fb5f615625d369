/**
 * `posthorn/testing`: what tests of applications, stores and engines need. Runs under any test runner, and is never imported by
 * the library itself.
 */
export type { VerifiedWebhook } from '../signing/verified-webhook.ts'
export { type FakeAnswer, type FakeAnswerer, type FakeTransport, fakeTransport } from './fake-transport.ts'
export { type ManualClock, manualClock } from './manual-clock.ts'
export {
  type ReceivedRequest,
  type Receiver,
  type ReceiverAnswer,
  type ReceiverOptions,
  receiver,
} from './receiver.ts'
export type {
  CaseContext,
  ConformanceCase,
  StoreUnderTest,
  TestTransaction,
} from './store-conformance/case.ts'
export { storeConformance } from './store-conformance/index.ts'
export { heldTransaction } from './store-conformance/transaction.ts'
