/**
 * What a route is: method, path, role, what it takes and gives, and the one call behind it. Router, checks, OpenAPI and
 * the tests of tenant isolation are derived from the same table.
 */
import { z } from 'zod/v4'
import type { Catalog, Published, TenantScope, Webhooks } from '../index.ts'
import type { Role } from './authorize.ts'
import type { DocumentOptions } from './openapi.ts'
import { idText } from './schemas/field.ts'
import { described } from './schemas/named.ts'

/** What the handler needs of the sender: any catalogue, any kind of transaction. */
export type ManagedWebhooks = Omit<
  Webhooks<null, never>,
  'catalog' | 'publish' | 'publishMany' | typeof Symbol.asyncDispose
> & {
  readonly catalog: Catalog | null
  publish(type: string, data: unknown, options?: object): Promise<Published>
}

/** Fields by name, as in `z.strictObject`. */
export type Shape = Readonly<Record<string, z.ZodType>>
type Values<S extends Shape> = z.infer<z.ZodObject<{ -readonly [K in keyof S]: S[K] }>>

/** What a route's call gets: everything checked. */
export interface RouteCall<Params, Query, Body> {
  readonly webhooks: ManagedWebhooks
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** Whose rows: the caller's tenant, or the one that an admin named, or every one. */
  readonly scope: TenantScope
  /** Whose the new rows are; undefined when an admin named none: then the default tenant counts. */
  readonly owner: string | undefined
  readonly expectedRevision: number | undefined
  readonly idempotencyKey: string | undefined
  /** What documents say about this place. */
  readonly site: DocumentOptions
}

/** A route, as the handler sees it. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** With `{id}` for a path parameter. */
  readonly path: string
  /** A name for generated clients. */
  readonly operationId: string
  readonly summary: string
  readonly tag: 'Subscriptions' | 'Events' | 'Deliveries' | 'Attempts' | 'System'
  /** The least role that may call it. */
  readonly role: Role
  /** False where no row of a tenant is seen or changed. */
  readonly ofTenant: boolean
  readonly params: z.ZodObject
  readonly query: z.ZodObject
  /** Null: it takes no body. */
  readonly body: z.ZodType | null
  /** False where a body is needed. */
  readonly bodyOptional: boolean
  readonly status: 200 | 201 | 202 | 204
  /** Null: it answers without a body. */
  readonly output: z.ZodType | null
  /** True where `If-Match` is obeyed. */
  readonly revisioned: boolean
  /** True where the answer holds a secret: create and rotate, nowhere else. */
  readonly issuesSecret: boolean
  call(call: RouteCall<unknown, unknown, unknown>): Promise<unknown>
  /** The revision for `ETag`, where the answer has one. */
  readonly revisionOf: ((answer: never) => number) | null
  /** The path of what was made, for `Location`. */
  readonly locationOf: ((answer: never) => string) | null
  /** Another status than `status`, by what is answered. */
  readonly statusOf: ((answer: never) => number) | null
}

interface RouteInput<P extends Shape, Q extends Shape, B extends z.ZodType | null, O extends z.ZodType | null>
  extends Pick<Route, 'method' | 'path' | 'operationId' | 'summary' | 'tag' | 'role' | 'status'> {
  readonly ofTenant?: boolean
  readonly params?: P
  readonly query?: Q
  readonly body: B
  readonly bodyOptional?: boolean
  readonly output: O
  readonly revisioned?: boolean
  readonly issuesSecret?: boolean
  call(
    call: RouteCall<Values<P>, Values<Q>, B extends z.ZodType ? z.infer<B> : undefined>,
  ): Promise<O extends z.ZodType ? z.input<O> : unknown>
  readonly revisionOf?: (answer: O extends z.ZodType ? z.output<O> : undefined) => number
  readonly locationOf?: (answer: O extends z.ZodType ? z.output<O> : undefined) => string
  readonly statusOf?: (answer: O extends z.ZodType ? z.output<O> : undefined) => number
}

const tenantQuery = {
  tenantId: described(idText().optional(), 'Which tenant; only for callers that may act for any.'),
}

/** One entry of the route table. */
export function route<
  P extends Shape,
  Q extends Shape,
  B extends z.ZodType | null,
  O extends z.ZodType | null,
>(input: RouteInput<P, Q, B, O>): Route {
  const { ofTenant = true, params = {}, query = {} } = input
  return {
    ...input,
    ofTenant,
    params: z.strictObject({ ...params }),
    query: z.strictObject({ ...query, ...(ofTenant ? tenantQuery : {}) }),
    bodyOptional: input.bodyOptional ?? false,
    revisioned: input.revisioned ?? false,
    issuesSecret: input.issuesSecret ?? false,
    revisionOf: input.revisionOf ?? null,
    locationOf: input.locationOf ?? null,
    statusOf: input.statusOf ?? null,
    call: (call) => input.call(call as never),
  }
}
