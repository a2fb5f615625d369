/**
 * Posthorn sends webhooks from inside your own backend.
 *
 * Event: something that happened, published once. Subscription: who wants which event types, where (`active`, `paused`,
 * `disabled`). Delivery: one event owed to one subscription (`pending`, then `succeeded`, `failed` or `cancelled`).
 * Attempt: one HTTP request of one delivery. Tenant: a plain string that you own.
 *
 * The way of one event: publish → store.append → claim → match → sign → transport.send → judge → store.record; a
 * delivery that failed is due again later, until it succeeds or its schedule ends.
 */

export type { StandardIssue, StandardResult } from './catalog/standard-schema.ts'
export type {
  Catalog,
  EventMap,
  EventName,
  EventPattern,
  EventPayload,
  Parsed,
  StandardSchemaV1,
} from './catalog.ts'
export { defineEvents } from './catalog.ts'
export type { Clock, Random, Timer } from './clock.ts'
export type { Deliveries, DeliveryListOptions, RedeliverOptions } from './deliveries.ts'
export type { ExponentialOptions, RetryPolicy, ScheduleOptions } from './delivery/backoff.ts'
export { exponential, never, schedule } from './delivery/backoff.ts'
export type { OneUseDestination } from './delivery/destination.ts'
export {
  adviceFor,
  FAILURE_KINDS,
  type FailureKind,
  type FailureLike,
  failureKindOf,
} from './delivery/failure-kinds.ts'
export type { JobKind, JobState } from './delivery/jobs/job.ts'
export type {
  BreakerOptions,
  DisableOptions,
  FailedAttempt,
  PolicyOptions,
  TenantLimits,
} from './delivery/policy.ts'
export type { Published, PublishOptions } from './delivery/publish.ts'
export type { RetentionOptions } from './delivery/retention.ts'
export type { Lookup } from './dns/bounded-calls.ts'
export { type ErrorCode, type ErrorDetails, isPosthornError, PosthornError } from './errors.ts'
export { type Condition, type Filter, type FilterValue, matchesFilter } from './filter.ts'
export type { AttemptListOptions, Attempts } from './history/attempts.ts'
export type { EventListOptions, Events } from './history/events.ts'
export type { Health, HealthOptions } from './history/health.ts'
export type { Job, JobHandle, JobListOptions, Jobs } from './history/jobs.ts'
export type {
  CancelOptions,
  FullReplayOptions,
  Recovery,
  ReplayOptions,
  RetryAllOptions,
} from './history/recovery.ts'
export type { Bucket, Counts, CountsAt, Stats, StatsOptions } from './history/stats.ts'
export type * from './hooks.ts'
export type { Duration } from './input/duration.ts'
export type { Listed, PageOptions } from './input/page.ts'
export type { TenantListOptions, TenantOptions } from './input/tenant.ts'
export type * from './lists.ts'
export type {
  AnyTenant,
  Attempt,
  BreakerState,
  Delivery,
  DeliveryState,
  DisabledReason,
  Event,
  FailureReason,
  JsonObject,
  JsonValue,
  Metadata,
  Ordering,
  PausedBy,
  Rate,
  SecretInfo,
  StoppedLine,
  Subscription,
  SubscriptionState,
  TenantScope,
  Trigger,
} from './model.ts'
export { anyTenant } from './model.ts'
export type { WebhooksOptions } from './options.ts'
export type {
  EnvelopeInput,
  IdGenerators,
  ShapeInput,
  ShapeTarget,
  Transform,
  Transformed,
} from './parts.ts'
export { EVENT_NAME, matchesPattern, tenantBucket } from './patterns.ts'
export type * from './queries.ts'
export type * from './records.ts'
export type { Resealed } from './sealing/reseal.ts'
export type { ResealCount } from './sealing/resealed.ts'
export { type SealedSecretsOptions, sealedSecrets } from './sealing/sealed-secrets.ts'
export type { SealContext, Sealer } from './sealing.ts'
export { customScheme } from './signing/custom-scheme.ts'
export { ed25519 } from './signing/ed25519.ts'
export { hmac } from './signing/hmac.ts'
export type { HmacOptions } from './signing/hmac-options.ts'
export type { HmacContent, HmacFormat } from './signing/hmac-spec.ts'
export { github, shopify, slack, stripe } from './signing/presets.ts'
export type {
  CustomScheme,
  HeaderReader,
  ReceivedHeaders,
  Scheme,
  SchemeSpec,
  SignatureHeaders,
  SignedMessage,
  Verifier,
} from './signing/scheme.ts'
export { type StandardWebhooksOptions, standardWebhooks } from './signing/standard-webhooks.ts'
export { svix } from './signing/svix.ts'
export { type UnsignedOptions, unsigned } from './signing/unsigned.ts'
export type { Store } from './store.ts'
export type {
  IssuedSubscription,
  SubscriptionListOptions,
  Subscriptions,
  TestSent,
} from './subscriptions/api.ts'
export type { NewSubscriptionInput, SubscriptionChanges, SubscriptionFields } from './subscriptions/input.ts'
export type { EventToMatch } from './subscriptions/matching.ts'
export type { IssuedSecret, SigningInput } from './subscriptions/signing-input.ts'
export type {
  FailureCode,
  TargetGuard,
  Transport,
  TransportFailure,
  TransportRequest,
  TransportResponse,
  TransportResult,
  TransportTiming,
} from './transport.ts'
export type { TlsOptions } from './transports/connector.ts'
export type { Fetch } from './transports/fetch-sender.ts'
export { type KyTransportOptions, kyTransport } from './transports/ky.ts'
export { type UndiciTransport, type UndiciTransportOptions, undiciTransport } from './transports/undici.ts'
export {
  createWebhooks,
  type Publication,
  type StopOptions,
  type TickOptions,
  type Webhooks,
} from './webhooks.ts'
