/** A sender on the memory store behind the management API, and a caller who says whom they are in a header. */
import { z } from 'zod'
import { createHandler, type HandlerOptions } from '../../src/http/index.ts'
import { anyTenant, defineEvents } from '../../src/index.ts'
import type { FakeAnswerer } from '../../src/testing/fake-transport.ts'
import { setup } from '../support/setup.ts'

export const events = defineEvents({
  'order.paid': z.object({ orderId: z.string(), amount: z.number().int() }),
  'order.refunded': z.object({ orderId: z.string() }),
})

/** `x-caller: role tenant`; `admin` alone may act for every tenant. */
export const authorizeByHeader: HandlerOptions['authorize'] = (request) => {
  const [role, tenantId] = request.headers.get('x-caller')?.split(' ') ?? []
  if (role !== 'admin' && role !== 'tenant' && role !== 'read-only') return undefined
  return tenantId === '*' ? { role, tenantId: anyTenant } : { role, tenantId }
}

/** One answer, read. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly body: Json
}
/** JSON of any shape, to look into. */
export interface Json {
  readonly [key: string]: Json
}

export interface Call {
  readonly as?: string | null
  readonly json?: unknown
  readonly headers?: Record<string, string>
}

export function api(options: Partial<HandlerOptions> & { answer?: FakeAnswerer } = {}) {
  const { answer, ...handlerOptions } = options
  const parts = setup({ events: events as never, ...(answer === undefined ? {} : { answer }) })
  const handler = createHandler(parts.webhooks, {
    authorize: authorizeByHeader,
    clock: parts.clock,
    ...handlerOptions,
  })
  async function call(method: string, path: string, { as = 'tenant acme', json, headers }: Call = {}) {
    const request = new Request(`http://api.test${path}`, {
      method,
      headers: {
        ...(as === null ? {} : { 'x-caller': as }),
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    })
    return read(await handler(request))
  }
  return { ...parts, handler, call }
}

/** The answer with its body, parsed where it is JSON. */
export async function read(response: Response): Promise<Answer> {
  const text = await response.text()
  const isJson = text !== '' && response.headers.get('content-type')?.includes('json') === true
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : {},
  }
}
