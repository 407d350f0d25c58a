import { pgTable, text } from 'drizzle-orm/pg-core';
import { createdAt, instant, updatedAt } from './columns.js';

/** Work that comes again: whoever moves `next_run_at` on is the one that does it. */
export const schedules = pgTable('schedules', {
  name: text('name').primaryKey(),
  nextRunAt: instant('next_run_at').notNull(),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
});
