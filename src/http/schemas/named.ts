/** The registry that gives schemas of the management API their names in OpenAPI. Its own, so that it never meets the host's. */
import { z } from 'zod/v4'

/** What a schema is called in documents, and one sentence about it. */
export interface Naming {
  readonly id?: string
  readonly description?: string
}

/** Names of the API's schemas; `openapi.ts` reads it. */
export const names = z.registry<Naming>()

/** Names a schema: documents refer to it as `#/components/schemas/<id>`. */
export function named<S extends z.ZodType>(id: string, schema: S, description: string): S {
  names.add(schema as z.core.$ZodType, { id, description })
  return schema
}

/** Says in one sentence what a field is. */
export function described<S extends z.ZodType>(schema: S, description: string): S {
  names.add(schema as z.core.$ZodType, { description })
  return schema
}
