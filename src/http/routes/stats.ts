/** Routes of statistics and health. */
import { route } from '../route.ts'
import { health, stats, statsQuery, tenantStatsQuery } from '../schemas/stats.ts'
import { subscriptionPath } from '../schemas/subscription.ts'

export const statsRoutes = [
  route({
    method: 'GET',
    path: '/stats',
    operationId: 'getStats',
    summary: 'Count how deliveries went, and what waits',
    tag: 'System',
    role: 'read-only',
    query: tenantStatsQuery,
    body: null,
    status: 200,
    output: stats,
    call: ({ webhooks, scope, query }) => webhooks.stats({ ...query, tenantId: scope }),
  }),
  route({
    method: 'GET',
    path: '/subscriptions/{id}/stats',
    operationId: 'getStatsOfSubscription',
    summary: 'Count how the deliveries of one subscription went',
    tag: 'Subscriptions',
    role: 'read-only',
    params: subscriptionPath,
    query: statsQuery,
    body: null,
    status: 200,
    output: stats,
    call: ({ webhooks, scope, params, query }) =>
      webhooks.stats({ ...query, tenantId: scope, subscription: params.id }),
  }),
  route({
    method: 'GET',
    path: '/health',
    operationId: 'getHealth',
    summary: 'Say what a health check should alarm on; 503 when something is wrong',
    tag: 'System',
    role: 'admin',
    ofTenant: false,
    body: null,
    status: 200,
    output: health,
    statusOf: ({ healthy }) => (healthy ? 200 : 503),
    call: ({ webhooks }) => webhooks.health(),
  }),
]
