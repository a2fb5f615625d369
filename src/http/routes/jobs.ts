/** Routes for recovering in bulk: each orders a job and answers at once; `/jobs/{id}` says how it stands. */
import type { TenantScope } from '../../index.ts'
import { route } from '../route.ts'
import { idText } from '../schemas/field.ts'
import {
  cancelOrder,
  job,
  jobHandle,
  replayMissingOrder,
  replayOrder,
  retryAllOrder,
} from '../schemas/job.ts'

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
    path: '/jobs/{id}',
    operationId: 'getJob',
    summary: 'Read how a job stands; an ended one is kept for a day',
    tag: 'Deliveries',
    role: 'read-only',
    params: { id: idText() },
    body: null,
    status: 200,
    output: job,
    call: ({ webhooks, scope, params }) => webhooks.jobs.get(params.id, { tenantId: scope }),
  }),
]
