/** Routes for recovering in bulk: each orders a job and answers at once; those of `/jobs` say how it stands, and stop it. */
import type { TenantScope } from '../../index.ts'
import { route } from '../route.ts'
import { pageOf, pageQuery } from '../schemas/field.ts'
import {
  cancelOrder,
  job,
  jobHandle,
  jobId,
  jobState,
  replayMissingOrder,
  replayOrder,
  retryAllOrder,
} from '../schemas/job.ts'
import { described } from '../schemas/named.ts'

const order = {
  method: 'POST',
  tag: 'Deliveries',
  role: 'tenant',
  status: 202,
  output: jobHandle,
  locationOf: ({ jobId }: { readonly jobId: string }) => `/jobs/${encodeURIComponent(jobId)}`,
} as const

/** A subscription says whose rows are meant; without one the tenant must be known. */
const tenantFor = (
  subscription: string | undefined,
  scope: TenantScope,
  owner: string | undefined,
): { readonly tenantId: TenantScope | undefined } => ({
  tenantId: subscription === undefined ? owner : scope,
})

export const jobRoutes = [
  route({
    ...order,
    path: '/deliveries/retry-all',
    operationId: 'retryAll',
    summary: 'Send failed deliveries again, all that fit',
    body: retryAllOrder,
    bodyOptional: true,
    call: ({ webhooks, scope, owner, body }) =>
      webhooks.deliveries.retryAll({ ...body, ...tenantFor(body.subscription, scope, owner) }),
  }),
  route({
    ...order,
    path: '/deliveries/replay',
    operationId: 'replay',
    summary: 'Give a subscription the events that it never got',
    body: replayOrder,
    call: ({ webhooks, scope, body }) => webhooks.deliveries.replay({ ...body, tenantId: scope }),
  }),
  route({
    ...order,
    path: '/deliveries/replay-missing',
    operationId: 'replayMissing',
    summary: 'Give a subscription the events that it has no delivery of',
    body: replayMissingOrder,
    call: ({ webhooks, scope, body }) => webhooks.deliveries.replayMissing({ ...body, tenantId: scope }),
  }),
  route({
    ...order,
    path: '/deliveries/cancel',
    operationId: 'cancelDeliveries',
    summary: 'Cancel what is pending of a subscription or an event',
    body: cancelOrder,
    call: ({ webhooks, scope, owner, body }) =>
      webhooks.deliveries.cancel({ ...body, ...tenantFor(body.subscription, scope, owner) }),
  }),
  route({
    method: 'GET',
    path: '/jobs',
    operationId: 'listJobs',
    summary: 'List bulk jobs that run or have ended within a day, newest first',
    tag: 'Deliveries',
    role: 'read-only',
    query: { ...pageQuery, state: described(jobState.optional(), 'How they stand; all by default.') },
    body: null,
    status: 200,
    output: pageOf(job),
    call: ({ webhooks, scope, query }) => webhooks.jobs.list({ ...query, tenantId: scope }),
  }),
  route({
    method: 'GET',
    path: '/jobs/{id}',
    operationId: 'getJob',
    summary: 'Read how a job stands; an ended one is kept for a day',
    tag: 'Deliveries',
    role: 'read-only',
    params: { id: jobId() },
    body: null,
    status: 200,
    output: job,
    call: ({ webhooks, scope, params }) => webhooks.jobs.get(params.id, { tenantId: scope }),
  }),
  route({
    method: 'POST',
    path: '/jobs/{id}/stop',
    operationId: 'stopJob',
    summary: 'Stop a bulk job; what it has done already stays',
    tag: 'Deliveries',
    role: 'tenant',
    params: { id: jobId() },
    body: null,
    status: 200,
    output: job,
    call: ({ webhooks, scope, params }) => webhooks.jobs.stop(params.id, { tenantId: scope }),
  }),
]
