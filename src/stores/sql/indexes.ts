/** The indexes of the tables: each serves a statement, and a test asks the databases whether it does. */

/** One index. */
export interface Index {
  readonly name: string
  readonly table: string
  readonly columns: string
  readonly unique?: boolean
  /** Leaves rows out where the database can; elsewhere `whole` is indexed. */
  readonly where?: string
  readonly whole?: string
  /** Only where numbers are the tables' own keys, or only where they are not. */
  readonly numbered?: boolean
}

/** Stands in the statements that are to use `deliveries_of_subscription`. */
export const OF_SUBSCRIPTION = 'round_start >= 0'

/** All of them. */
export const indexes: readonly Index[] = [
  { name: 'events_id', table: 'events', columns: 'tenant_id, id', unique: true, numbered: true },
  {
    name: 'events_key',
    table: 'events',
    columns: 'tenant_id, idempotency_key',
    unique: true,
    where: 'idempotency_key is not null',
  },
  { name: 'events_list', table: 'events', columns: 'tenant_id, published_at, id' },
  { name: 'events_age', table: 'events', columns: 'published_at' },
  { name: 'deliveries_id', table: 'deliveries', columns: 'tenant_id, id', unique: true, numbered: true },
  { name: 'deliveries_number', table: 'deliveries', columns: 'tenant_id, number', numbered: false },
  {
    name: 'deliveries_of_event',
    table: 'deliveries',
    columns: 'tenant_id, event_id, subscription_id',
    unique: true,
  },
  { name: 'deliveries_list', table: 'deliveries', columns: 'tenant_id, created_at, id' },
  {
    // The condition is true of every row: a planner that knows nothing of the table would else look up the delivery of an event to a
    // subscription among all deliveries of that subscription.
    name: 'deliveries_of_subscription',
    table: 'deliveries',
    columns: 'tenant_id, subscription_id, created_at, id',
    where: OF_SUBSCRIPTION,
    whole: 'tenant_id, subscription_id, created_at, id',
  },
  { name: 'attempts_list', table: 'attempts', columns: 'tenant_id, started_at, id' },
  { name: 'queue_event', table: 'queue', columns: 'tenant_id, event_id', numbered: true },
  {
    name: 'queue_due',
    table: 'queue',
    columns: 'due_at, sequence',
    where: 'stage = 0',
    whole: 'stage, due_at, sequence',
  },
  {
    name: 'queue_lanes',
    table: 'queue',
    columns: 'tenant_id, subscription_id, due_at, sequence',
    where: 'stage = 0',
    whole: 'stage, tenant_id, subscription_id, due_at, sequence',
  },
  {
    name: 'queue_held',
    table: 'queue',
    columns: 'tenant_id, subscription_id, due_at, sequence',
    where: 'stage = 1',
  },
  { name: 'queue_suspect', table: 'queue', columns: 'due_at, sequence', where: 'stage = 2' },
  {
    name: 'queue_suspect_lanes',
    table: 'queue',
    columns: 'tenant_id, subscription_id, due_at, sequence',
    where: 'stage = 2',
  },
  {
    // By a condition that no other index has, so that a planner that knows nothing of the table can take no other for its look-ups.
    name: 'queue_delivery',
    table: 'queue',
    columns: 'tenant_id, delivery_id',
    where: 'delivery_id is not null',
    whole: 'tenant_id, delivery_id',
  },
  { name: 'queue_jobs', table: 'queue', columns: 'position_at, id', where: 'kind = 2' },
  { name: 'queue_expiry', table: 'queue', columns: 'expires_at', where: 'kind = 1', whole: 'expires_at' },
  {
    // MySQL has no room for three names in a key.
    name: 'queue_owner',
    table: 'queue',
    columns: 'tenant_id, subscription_id, event_id',
    where: 'kind = 1',
    whole: 'tenant_id, subscription_id',
  },
  {
    name: 'queue_released',
    table: 'queue',
    columns: 'tenant_id, subscription_id',
    where: 'released = 1',
    whole: 'tenant_id, released, subscription_id',
  },
  {
    name: 'queue_outside_order',
    table: 'queue',
    columns: 'tenant_id, subscription_id, in_order, due_at, sequence',
    where: 'in_order <> 1 and stage = 1',
    whole: 'in_order, stage, tenant_id, subscription_id, due_at, sequence',
  },
  {
    // MySQL has no room for three names in a key.
    name: 'queue_order',
    table: 'queue',
    columns: 'tenant_id, subscription_id, ordering_key, position_at, sequence',
    where: 'ordering_key is not null',
    whole: 'tenant_id, ordering_key, position_at, sequence',
  },
]
