/** One backend for all tests of a file, and a fresh receiver for each of them. */
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { type Backend, startBackend } from './backend.ts'
import { startReceiver, type WebhookReceiver } from './receiver.ts'

/** Starts before the first test and stops, with exit code 0, after the last one. */
export function useBackend(...args: readonly string[]) {
  let backend: Backend | undefined
  let receiver: WebhookReceiver | undefined
  beforeAll(async () => {
    backend = await startBackend(args)
  })
  afterAll(async () => {
    expect(await backend?.stop()).toBe(0)
  })
  beforeEach(async () => {
    receiver = await startReceiver()
  })
  afterEach(() => receiver?.close())
  return { backend: current(() => backend), receiver: current(() => receiver) }
}

/** Stands for the object that there will be once the tests run. */
function current<Target extends object>(get: () => Target | undefined): Target {
  const there = () => get() ?? expect.fail('nothing has been started yet')
  return new Proxy({} as Target, {
    get: (_, key) => Reflect.get(there(), key),
    set: (_, key, value) => Reflect.set(there(), key, value),
  })
}
