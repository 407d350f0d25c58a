import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import { createdAt, instant, updatedAt } from './columns.js';

/** What is known of a web server, whoever crawls it: what it asks of crawlers, and when it may be visited again. */
export const crawlHosts = pgTable('crawl_hosts', {
  /** Scheme, host and port. */
  origin: text('origin').primaryKey(),
  robots: text('robots').notNull().default(''),
  /** As answered; 0: it could not be reached. */
  robotsStatus: integer('robots_status').notNull(),
  robotsReadAt: instant('robots_read_at').notNull(),
  /** The first moment that no visit is planned for yet, where visits keep a distance. */
  nextVisitAt: instant('next_visit_at'),
  /** It asked to be left alone until then. */
  blockedUntil: instant('blocked_until'),
  createdAt: createdAt(),
  updatedAt: updatedAt(),
});
