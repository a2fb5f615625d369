/** Routes over subscriptions. */
import { z } from 'zod/v4'
import { route } from '../route.ts'
import { filterText, pageOf, pageQuery } from '../schemas/field.ts'
import { described } from '../schemas/named.ts'
import {
  eventToMatch,
  issuedSubscription,
  newSubscription,
  subscription,
  subscriptionChanges,
  subscriptionPath,
  testSent,
} from '../schemas/subscription.ts'

type Shown = z.output<typeof subscription>
const revisionOf = ({ revision }: Shown) => revision

/** What every change of one subscription's state has in common. */
const change = {
  method: 'POST',
  tag: 'Subscriptions',
  role: 'tenant',
  params: subscriptionPath,
  status: 200,
  output: subscription,
  revisionOf,
} as const

export const subscriptionRoutes = [
  route({
    method: 'GET',
    path: '/subscriptions',
    operationId: 'listSubscriptions',
    summary: 'List subscriptions, newest first',
    tag: 'Subscriptions',
    role: 'read-only',
    query: {
      ...pageQuery,
      state: z.enum(['active', 'paused', 'disabled']).optional(),
      eventType: described(filterText().optional(), 'Those that want this type, by name or by pattern.'),
      metadata: described(
        z.record(filterText(), z.string().max(500)).optional(),
        'Each key has exactly this value: `metadata[key]=value`.',
      ),
    },
    body: null,
    status: 200,
    output: pageOf(subscription),
    call: ({ webhooks, scope, query }) => webhooks.subscriptions.list({ ...query, tenantId: scope }),
  }),
  route({
    method: 'POST',
    path: '/subscriptions',
    operationId: 'createSubscription',
    summary: 'Create a subscription; the only answer with its secret',
    tag: 'Subscriptions',
    role: 'tenant',
    body: newSubscription,
    status: 201,
    output: issuedSubscription,
    issuesSecret: true,
    revisionOf: (answer) => revisionOf(answer.subscription),
    locationOf: (answer) => `/subscriptions/${encodeURIComponent(answer.subscription.id)}`,
    call: ({ webhooks, owner, body }) =>
      webhooks.subscriptions.create({ ...body, tenantId: owner } as Parameters<
        typeof webhooks.subscriptions.create
      >[0]),
  }),
  route({
    method: 'POST',
    path: '/matches',
    operationId: 'matchSubscriptions',
    summary: 'Show who would get an event, without publishing it',
    tag: 'Subscriptions',
    role: 'read-only',
    body: eventToMatch,
    status: 200,
    output: z.object({ items: z.array(subscription).readonly() }),
    call: async ({ webhooks, owner, body }) => ({
      items: await webhooks.subscriptions.matches({ ...body, tenantId: owner }),
    }),
  }),
  route({
    method: 'GET',
    path: '/subscriptions/{id}',
    operationId: 'getSubscription',
    summary: 'Read a subscription',
    tag: 'Subscriptions',
    role: 'read-only',
    params: subscriptionPath,
    body: null,
    status: 200,
    output: subscription,
    revisionOf,
    call: ({ webhooks, scope, params }) => webhooks.subscriptions.get(params.id, { tenantId: scope }),
  }),
  route({
    ...change,
    method: 'PATCH',
    path: '/subscriptions/{id}',
    operationId: 'updateSubscription',
    summary: 'Change a subscription; with If-Match only as it was read',
    body: subscriptionChanges,
    revisioned: true,
    call: ({ webhooks, scope, params, body, expectedRevision }) =>
      webhooks.subscriptions.update(params.id, body as Parameters<typeof webhooks.subscriptions.update>[1], {
        tenantId: scope,
        ifRevision: expectedRevision,
      }),
  }),
  route({
    method: 'DELETE',
    path: '/subscriptions/{id}',
    operationId: 'deleteSubscription',
    summary: 'Delete a subscription and cancel its pending deliveries',
    tag: 'Subscriptions',
    role: 'tenant',
    params: subscriptionPath,
    body: null,
    status: 204,
    output: null,
    call: ({ webhooks, scope, params }) => webhooks.subscriptions.delete(params.id, { tenantId: scope }),
  }),
  route({
    ...change,
    path: '/subscriptions/{id}/pause',
    operationId: 'pauseSubscription',
    summary: 'Hold its deliveries until it is resumed',
    body: null,
    call: ({ webhooks, scope, params }) => webhooks.subscriptions.pause(params.id, { tenantId: scope }),
  }),
  route({
    ...change,
    path: '/subscriptions/{id}/resume',
    operationId: 'resumeSubscription',
    summary: 'Send again, beginning with what was held',
    body: null,
    call: ({ webhooks, scope, params }) => webhooks.subscriptions.resume(params.id, { tenantId: scope }),
  }),
  route({
    ...change,
    path: '/subscriptions/{id}/disable',
    operationId: 'disableSubscription',
    summary: 'Match no new events; pending deliveries are held',
    body: null,
    call: ({ webhooks, scope, params }) => webhooks.subscriptions.disable(params.id, { tenantId: scope }),
  }),
  route({
    ...change,
    path: '/subscriptions/{id}/enable',
    operationId: 'enableSubscription',
    summary: 'Match events again; send or drop what was held',
    body: z.strictObject({
      pending: described(
        z.enum(['send', 'drop']).optional(),
        'What happens to what was held; `send` by default.',
      ),
    }),
    bodyOptional: true,
    call: ({ webhooks, scope, params, body }) =>
      webhooks.subscriptions.enable(params.id, { ...body, tenantId: scope }),
  }),
  route({
    ...change,
    path: '/subscriptions/{id}/rotate-secret',
    operationId: 'rotateSecret',
    summary: 'Sign with a new secret, and with the old one for a while',
    body: z.strictObject({
      overlapMs: described(
        z.number().min(0).max(2_592_000_000).optional(),
        'How long the old secret signs, too; a day by default.',
      ),
      secret: described(z.string().min(1).max(255).optional(), 'A secret of your own.'),
      scheme: described(
        z.string().min(1).max(64).optional(),
        'Only the secrets of this scheme, where schemes of several kinds sign.',
      ),
    }),
    bodyOptional: true,
    output: issuedSubscription,
    issuesSecret: true,
    revisionOf: (answer) => revisionOf(answer.subscription),
    call: ({ webhooks, scope, params, body }) =>
      webhooks.subscriptions.rotateSecret(params.id, { ...body, tenantId: scope }),
  }),
  route({
    method: 'POST',
    path: '/subscriptions/{id}/test',
    operationId: 'testSubscription',
    summary: 'Send a real event, marked as test, to this subscription alone',
    tag: 'Subscriptions',
    role: 'tenant',
    params: subscriptionPath,
    body: z.strictObject({
      type: described(
        z.string().max(128).optional(),
        'By default the first type of the catalogue that it wants.',
      ),
      pending: described(
        z.enum(['send', 'drop']).optional(),
        'Where its success enables the subscription: what happens to what was held.',
      ),
    }),
    bodyOptional: true,
    status: 202,
    output: testSent,
    call: ({ webhooks, scope, params, body }) =>
      webhooks.subscriptions.test(params.id, { ...body, tenantId: scope }),
  }),
]
