import { sql } from 'drizzle-orm';
import {
  boolean,
  index,
  integer,
  jsonb,
  numeric,
  pgEnum,
  pgTable,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { createdAt, id, instant, updatedAt } from './columns.js';
import { planName, users } from './users.js';

/** What an add-on gives more of. */
export const creditKind = pgEnum('credit_kind', ['messages_mini', 'messages_premium', 'indexed_pages']);
export const subscriptionStatus = pgEnum('subscription_status', [
  'active',
  'trialing',
  'past_due',
  'cancelled',
]);

/** Null: as much as one likes. */
export interface PlanLimits {
  chatbots: number | null;
  messagesMini: number | null;
  messagesPremium: number | null;
  indexedPages: number | null;
}

const price = (name: string) => numeric(name, { precision: 12, scale: 2 });

/** A version of a plan. A change is a new row: periods go on under the one that they began with. */
export const plans = pgTable(
  'plans',
  {
    id: id(),
    name: planName('name').notNull(),
    version: integer('version').notNull(),
    /** A month; null: agreed on with each account. */
    price: price('price'),
    currency: text('currency').notNull(),
    limitChatbots: integer('limit_chatbots'),
    limitMessagesMini: integer('limit_messages_mini'),
    limitMessagesPremium: integer('limit_messages_premium'),
    limitIndexedPages: integer('limit_indexed_pages'),
    /** Null: the price is told to Stripe with each checkout. */
    stripePriceId: text('stripe_price_id'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [unique('plans_name_version_unique').on(table.name, table.version)],
);

/** A version of a package of credits. The newest of a code is what can be bought. */
export const addOns = pgTable(
  'add_ons',
  {
    id: id(),
    code: text('code').notNull(),
    version: integer('version').notNull(),
    name: text('name').notNull(),
    kind: creditKind('kind').notNull(),
    quantity: integer('quantity').notNull(),
    price: price('price').notNull(),
    currency: text('currency').notNull(),
    /** Null: they do not expire. */
    validDays: integer('valid_days'),
    isOffered: boolean('is_offered').notNull().default(true),
    stripePriceId: text('stripe_price_id'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [unique('add_ons_code_version_unique').on(table.code, table.version)],
);

/**
 * What an account pays and may, beside `users.plan`. Its row is what acts on limits that are counted lock, one after the
 * other. A row is made when the account first needs one.
 */
export const subscriptions = pgTable(
  'subscriptions',
  {
    userId: uuid('user_id')
      .primaryKey()
      .references(() => users.id, { onDelete: 'cascade' }),
    status: subscriptionStatus('status').notNull().default('active'),
    /** Periods begin on its day of the month and at its time of day, in UTC. Null: at the start of each month. */
    anchor: instant('anchor'),
    /** Agreed on for this account: what is named here goes before the plan's limits. */
    customLimits: jsonb('custom_limits').$type<Partial<PlanLimits>>().notNull().default({}),
    customPrice: price('custom_price'),
    /** What models may cost in a period, in US dollars; at that, messages are refused. Null: no cap. */
    spendingCap: numeric('spending_cap', { precision: 18, scale: 9 }),
    /** What a question costs that a person answers: what savings are reckoned by. */
    humanTicketCost: price('human_ticket_cost'),
    /** The plan that begins with `pendingAt`. */
    pendingPlan: planName('pending_plan'),
    pendingAt: instant('pending_at'),
    stripeCustomerId: text('stripe_customer_id'),
    stripeSubscriptionId: text('stripe_subscription_id'),
    /** When the newest of Stripe's events that were applied happened: an older one that comes late changes nothing. */
    stripeEventAt: instant('stripe_event_at'),
    trialEndsAt: instant('trial_ends_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    uniqueIndex('subscriptions_stripe_customer_unique').on(table.stripeCustomerId),
    uniqueIndex('subscriptions_stripe_subscription_unique').on(table.stripeSubscriptionId),
    index('subscriptions_pending')
      .on(table.pendingAt)
      .where(sql`pending_at is not null`),
  ],
);

/** Credits of one purchase or gift. What is left: `quantity - revoked - used - reserved`. */
export const creditGrants = pgTable(
  'credit_grants',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    addOnId: uuid('add_on_id').references(() => addOns.id),
    kind: creditKind('kind').notNull(),
    quantity: integer('quantity').notNull(),
    used: integer('used').notNull().default(0),
    reserved: integer('reserved').notNull().default(0),
    /** Taken back by a refund, or expired. */
    revoked: integer('revoked').notNull().default(0),
    expiresAt: instant('expires_at'),
    /** What was paid for all of it; null: a gift. */
    amount: price('amount'),
    currency: text('currency'),
    /** Of the payment or the request that it comes from: once is once. */
    idempotencyKey: text('idempotency_key').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    uniqueIndex('credit_grants_key_unique').on(table.idempotencyKey),
    index('credit_grants_user').on(table.userId, table.kind, table.createdAt),
  ],
);

/**
 * Events of Stripe's that were applied: each is applied once. A row of type `subscription` stands for a subscription
 * itself, under its id: when it was made, and the newest that was seen of it, or that it has ended.
 */
export const stripeEvents = pgTable('stripe_events', {
  id: text('id').primaryKey(),
  type: text('type').notNull(),
  /** When it happened, by Stripe. */
  occurredAt: instant('occurred_at').notNull(),
  userId: uuid('user_id'),
  /** What it came to: `applied`, or why nothing was changed. */
  outcome: text('outcome').notNull(),
  createdAt: createdAt(),
});

/** What an account was billed by Stripe. */
export const invoices = pgTable(
  'invoices',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    stripeInvoiceId: text('stripe_invoice_id').notNull(),
    number: text('number'),
    status: text('status').notNull(),
    amount: price('amount').notNull(),
    currency: text('currency').notNull(),
    periodStart: instant('period_start'),
    periodEnd: instant('period_end'),
    hostedUrl: text('hosted_url'),
    /** By Stripe: an older state that comes late changes nothing. */
    stripeEventAt: instant('stripe_event_at').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    uniqueIndex('invoices_stripe_unique').on(table.stripeInvoiceId),
    index('invoices_user').on(table.userId, table.id),
  ],
);

/** Usage of a day that Stripe's meters were told, and whether they have it. */
export const stripeMeterReports = pgTable(
  'stripe_meter_reports',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    kind: creditKind('kind').notNull(),
    /** The start of the day, in UTC. */
    day: instant('day').notNull(),
    quantity: integer('quantity').notNull(),
    reportedAt: instant('reported_at').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [uniqueIndex('stripe_meter_reports_unique').on(table.userId, table.kind, table.day)],
);
