import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgEnum, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { createdAt, id, instant, updatedAt } from './columns.js';
import { projects } from './projects.js';

export const jobStatus = pgEnum('job_status', ['queued', 'running', 'succeeded', 'failed', 'cancelled']);

export const jobs = pgTable(
  'jobs',
  {
    id: id(),
    projectId: uuid('project_id').references(() => projects.id, { onDelete: 'cascade' }),
    type: text('type').notNull(),
    payload: jsonb('payload').notNull(),
    status: jobStatus('status').notNull().default('queued'),
    /** Lower runs first. */
    priority: integer('priority').notNull(),
    attempts: integer('attempts').notNull().default(0),
    maxAttempts: integer('max_attempts').notNull(),
    runAt: instant('run_at').notNull(),
    lockedBy: text('locked_by'),
    lockedUntil: instant('locked_until'),
    /** While a job with this key is queued or running, no second one is made. */
    dedupeKey: text('dedupe_key'),
    cancelRequestedAt: instant('cancel_requested_at'),
    /** Asked for again while it ran: when it ends it is queued once more. */
    rerunRequestedAt: instant('rerun_requested_at'),
    /** When the dispatcher was last told of it; null: not yet, or Redis has forgotten. */
    rungAt: instant('rung_at'),
    /** W3C trace context of the request that wanted it. */
    traceparent: text('traceparent'),
    progress: jsonb('progress').$type<{ stage: string; done: number; total: number }>(),
    error: jsonb('error').$type<{ code: string; message: string }>(),
    finishedAt: instant('finished_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    index('jobs_queued')
      .on(table.priority, table.runAt)
      .where(sql`status = 'queued'`),
    index('jobs_running')
      .on(table.lockedUntil)
      .where(sql`status = 'running'`),
    index('jobs_project').on(table.projectId, table.createdAt),
    uniqueIndex('jobs_dedupe_unique')
      .on(table.dedupeKey)
      .where(sql`status in ('queued', 'running')`),
  ],
);
