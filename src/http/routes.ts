/** The route table: every route of the management API, once. Router, checks, documents and tests are derived from it. */
import type { Route } from './route.ts'
import { attemptRoutes, deliveryRoutes, eventRoutes } from './routes/history.ts'
import { subscriptionRoutes } from './routes/subscriptions.ts'
import { systemRoutes } from './routes/system.ts'

/** Paths without parameters come before those that they would fit. */
export const routes: readonly Route[] = [
  ...subscriptionRoutes,
  ...deliveryRoutes,
  ...attemptRoutes,
  ...eventRoutes,
  ...systemRoutes,
]
