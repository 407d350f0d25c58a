import { index, integer, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core';
import { bytes, createdAt, instant, updatedAt } from './columns.js';

/** The first answer to a request that carried an `Idempotency-Key`, kept for a day. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    /** Who asks and for what: method, route, and the actor. */
    scope: text('scope').notNull(),
    /** SHA-256 of the caller's key. */
    keyHash: text('key_hash').notNull(),
    /** SHA-256 of the body; empty while an upload is still being read. */
    requestHash: text('request_hash').notNull(),
    /** Null while the first request runs. */
    status: integer('status'),
    /** The encrypted answer: it may hold tokens. */
    response: bytes('response'),
    /** The process of the first request: when it dies the key is free again. */
    processId: uuid('process_id'),
    lockedUntil: instant('locked_until').notNull(),
    expiresAt: instant('expires_at').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    primaryKey({ columns: [table.scope, table.keyHash] }),
    index('idempotency_keys_expiry').on(table.expiresAt),
  ],
);
