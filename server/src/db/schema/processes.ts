import { index, pgTable, text } from 'drizzle-orm/pg-core';
import { createdAt, id, instant, updatedAt } from './columns.js';

/** Processes that run: each says again and again that it is alive. What a dead one had in hand is ended or handed on. */
export const processes = pgTable(
  'processes',
  {
    id: id(),
    role: text('role').notNull(),
    host: text('host').notNull(),
    version: text('version').notNull(),
    /** By the clock of the database. */
    aliveUntil: instant('alive_until').notNull(),
    /** Since when it has said so without a gap. */
    steadySince: instant('steady_since').notNull().defaultNow(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [index('processes_alive').on(table.aliveUntil)],
);
