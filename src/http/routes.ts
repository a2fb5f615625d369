/** The route table: every route of the management API, once. Router, checks, documents and tests are derived from it. */
import type { Route } from './route.ts'
import { documentRoutes } from './routes/documents.ts'
import { attemptRoutes, deliveryRoutes, eventRoutes } from './routes/history.ts'
import { jobRoutes } from './routes/jobs.ts'
import { statsRoutes } from './routes/stats.ts'
import { subscriptionRoutes } from './routes/subscriptions.ts'
import { systemRoutes } from './routes/system.ts'

/** A fixed path wins over a parameter, wherever it stands. */
export const routes: readonly Route[] = [
  ...subscriptionRoutes,
  ...deliveryRoutes,
  ...jobRoutes,
  ...attemptRoutes,
  ...eventRoutes,
  ...statsRoutes,
  ...systemRoutes,
  ...documentRoutes(() => routes),
]
