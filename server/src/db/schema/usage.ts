import {
  index,
  integer,
  jsonb,
  numeric,
  pgEnum,
  pgTable,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { creditGrants, plans } from './billing.js';
import { createdAt, id, instant, updatedAt } from './columns.js';
import { messageTier } from './projects.js';
import { users } from './users.js';

const cost = () => numeric('cost', { precision: 18, scale: 9 }).notNull().default('0');

/**
 * What an account may and has used in a period. Resetting is a new row. The limits are those of the period: a new
 * version of a plan does not reach it, a change of the plan does.
 */
export const usagePeriods = pgTable(
  'usage_periods',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    /** The first instant of it, and the first after it. */
    periodStart: instant('period_start').notNull(),
    periodEnd: instant('period_end').notNull(),
    planId: uuid('plan_id')
      .notNull()
      .references(() => plans.id),
    limitChatbots: integer('limit_chatbots'),
    limitMessagesMini: integer('limit_messages_mini'),
    limitMessagesPremium: integer('limit_messages_premium'),
    limitIndexedPages: integer('limit_indexed_pages'),
    spendingCap: numeric('spending_cap', { precision: 18, scale: 9 }),
    /** Charged to the plan: what credits paid for is not in it. */
    usedMessagesMini: integer('used_messages_mini').notNull().default(0),
    usedMessagesPremium: integer('used_messages_premium').notNull().default(0),
    /** Of answers that are being written. */
    reservedMessagesMini: integer('reserved_messages_mini').notNull().default(0),
    reservedMessagesPremium: integer('reserved_messages_premium').notNull().default(0),
    /** Pages that were read and indexed anew, which is not how many there are. */
    processedPages: integer('processed_pages').notNull().default(0),
    /** What providers of models charge, in US dollars; also for what is free. */
    cost: cost(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [uniqueIndex('usage_periods_start_unique').on(table.userId, table.periodStart)],
);

/** The same by project, credits included. No foreign key: what was used stays used when its project is deleted. */
export const usageTracking = pgTable(
  'usage_tracking',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    projectId: uuid('project_id').notNull(),
    periodStart: instant('period_start').notNull(),
    messagesMini: integer('messages_mini').notNull().default(0),
    messagesPremium: integer('messages_premium').notNull().default(0),
    /** Processed in the period. */
    indexedPages: integer('indexed_pages').notNull().default(0),
    cost: cost(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [uniqueIndex('usage_tracking_unique').on(table.userId, table.periodStart, table.projectId)],
);

/** A message that is being answered: it has its place within the limit until it is settled. */
export const usageReservations = pgTable(
  'usage_reservations',
  {
    /** No foreign key: it outlives a conversation that is deleted in the meantime. */
    messageId: uuid('message_id').primaryKey(),
    projectId: uuid('project_id').notNull(),
    userId: uuid('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    periodId: uuid('period_id')
      .notNull()
      .references(() => usagePeriods.id, { onDelete: 'cascade' }),
    tier: messageTier('tier').notNull(),
    /** Null: it is the plan's. */
    creditGrantId: uuid('credit_grant_id').references(() => creditGrants.id, { onDelete: 'cascade' }),
    processId: uuid('process_id').notNull(),
    expiresAt: instant('expires_at').notNull(),
    createdAt: createdAt(),
  },
  (table) => [index('usage_reservations_expiry').on(table.expiresAt)],
);

export const billingEventType = pgEnum('billing_event_type', [
  /** A message that was charged. */
  'message',
  /** What models cost for a message that was not. */
  'uncharged_cost',
  /** A page that was read and indexed. */
  'page',
  'period_opened',
  'plan_changed',
  'usage_warning',
  'credits_granted',
  'credits_revoked',
  'credits_expired',
  'payment',
  'refund',
]);

/**
 * The ledger: what was charged, given and paid, and why. Rows are added and never changed; every counter can be
 * recomputed from them. No foreign keys: it outlives what it speaks of.
 */
export const billingEvents = pgTable(
  'billing_events',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    projectId: uuid('project_id'),
    type: billingEventType('type').notNull(),
    /** Such as `plan_allowance` or `refunded`. */
    reason: text('reason').notNull(),
    /** Messages, pages or credits; negative where they are taken back. */
    quantity: integer('quantity').notNull(),
    tier: messageTier('tier'),
    periodId: uuid('period_id'),
    creditGrantId: uuid('credit_grant_id'),
    /** What the providers of models charge for it, in US dollars. */
    cost: cost(),
    /** Money that moved between the account and the operator. */
    amount: numeric('amount', { precision: 18, scale: 9 }),
    currency: text('currency'),
    /** Once is once, however often it is tried. */
    idempotencyKey: text('idempotency_key').notNull(),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    uniqueIndex('billing_events_key_unique').on(table.idempotencyKey),
    index('billing_events_user').on(table.userId, table.id),
    index('billing_events_project').on(table.projectId, table.id),
    index('billing_events_period').on(table.periodId, table.type),
  ],
);
