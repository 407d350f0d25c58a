import { sql } from 'drizzle-orm';
import {
  boolean,
  foreignKey,
  index,
  integer,
  pgEnum,
  pgTable,
  text,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import { createdAt, id, instant, updatedAt } from './columns.js';
import { sources } from './sources.js';

export const pageStatus = pgEnum('page_status', ['queued', 'indexed', 'unchanged', 'skipped', 'failed']);

/** Every address or file that a source has seen, and why it is or is not indexed. `queued` rows are the frontier. */
export const sourcePages = pgTable(
  'source_pages',
  {
    id: id(),
    projectId: uuid('project_id').notNull(),
    sourceId: uuid('source_id').notNull(),
    /** What the page is within its source: its normalised address, or `content`. The document's key too. */
    key: text('key').notNull(),
    url: text('url'),
    title: text('title'),
    status: pageStatus('status').notNull().default('queued'),
    /** Of the last end; kept while the page waits for its next visit. */
    reason: text('reason'),
    detail: text('detail'),
    /** Links from the start. */
    depth: integer('depth').notNull().default(0),
    /** The run of the source that the status is of. */
    sync: integer('sync').notNull(),
    /** Neither its canonical address nor its double is indexed: it is, whatever they say. */
    isForced: boolean('is_forced').notNull().default(false),
    etag: text('etag'),
    lastModified: text('last_modified'),
    /** SHA-256 of the bytes, and by which rules they were read: the same again is unchanged. */
    bodyHash: text('body_hash'),
    readerKey: text('reader_key'),
    /** SHA-256 of the text, of the one page of the source that is indexed with it. */
    textHash: text('text_hash'),
    bytes: integer('bytes'),
    language: text('language'),
    chunkCount: integer('chunk_count').notNull().default(0),
    visitedAt: instant('visited_at'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    unique('source_pages_key_unique').on(table.projectId, table.sourceId, table.key),
    index('source_pages_status').on(table.projectId, table.sourceId, table.status, table.id),
    index('source_pages_frontier')
      .on(table.projectId, table.depth, table.id)
      .where(sql`status = 'queued'`),
    uniqueIndex('source_pages_text_unique')
      .on(table.projectId, table.sourceId, table.textHash)
      .where(sql`text_hash is not null`),
    foreignKey({
      name: 'source_pages_source_fk',
      columns: [table.projectId, table.sourceId],
      foreignColumns: [sources.projectId, sources.id],
    }).onDelete('cascade'),
  ],
);
