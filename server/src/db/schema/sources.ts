import { sql } from 'drizzle-orm';
import { boolean, index, integer, jsonb, pgEnum, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import type { SourceErrorReason } from '#kernel/source-error.js';
import { createdAt, id, instant, updatedAt } from './columns.js';
import { projects } from './projects.js';

export const sourceType = pgEnum('source_type', ['text', 'file', 'url', 'qa']);
export const sourceStatus = pgEnum('source_status', ['queued', 'processing', 'ready', 'failed', 'cancelled']);

/** Where a source's content comes from. `fileKey` is a key of the file storage. */
export type SourceOrigin =
  | { type: 'text'; fileKey: string; bytes: number; sha256: string }
  | {
      type: 'file';
      fileKey: string;
      fileName: string | null;
      mediaType: string | null;
      bytes: number;
      sha256: string;
    }
  | { type: 'qa'; fileKey: string; bytes: number; sha256: string; pairCount: number }
  /** `crawl` null: the one page. */
  | { type: 'url'; url: string; crawl?: CrawlSettings | null };

export interface CrawlSettings {
  maxPages: number;
  /** Links from the start. */
  maxDepth: number;
  include: string[];
  exclude: string[];
  /** Whether the site's sitemaps are read. */
  sitemap: boolean;
  /** Whether pages are drawn by a browser, where one is configured. */
  render: boolean;
}

/** What a run has met so far. The counters are of pages, raised with each page's row in one transaction. */
export interface CrawlState {
  /** After redirects of the start page. */
  startUrl: string;
  /** Blocks of text that recur on the site and are left out. */
  boilerplate: string[];
  /** What the site says of an address that it does not have, where it says so with status 200. */
  missingPage: string | null;
  crawlDelayMs: number;
  fetched: number;
  /** Addresses that were met when there was no room for their rows. */
  dropped: number;
  /** Visits in a row that the server did not answer. */
  failuresInARow: number;
  /** The account has no room for pages that are new: only those that are there are visited. Unset: it has. */
  isFull?: boolean;
}

/** What a run has done to the index; the last finished one is shown. */
export interface SyncCounts {
  added: number;
  changed: number;
  gone: number;
  unchanged: number;
  skipped: number;
  failed: number;
  embeddedChunks: number;
  embeddingTokens: number;
  /** Decimal string in `currency`: what the provider of the embedding model charges. */
  cost: string;
  currency: string;
}

export interface SourceProgress {
  stage: 'queued' | 'reading' | 'crawling' | 'indexing' | 'done';
  done: number;
  total: number;
}

export interface SourceFailure {
  code: SourceErrorReason;
  message: string;
}

export const sources = pgTable(
  'sources',
  {
    id: id(),
    projectId: uuid('project_id')
      .notNull()
      .references(() => projects.id, { onDelete: 'cascade' }),
    type: sourceType('type').notNull(),
    name: text('name').notNull(),
    origin: jsonb('origin').$type<SourceOrigin>().notNull(),
    status: sourceStatus('status').notNull().default('queued'),
    progress: jsonb('progress').$type<SourceProgress>().notNull(),
    metadata: jsonb('metadata').$type<Record<string, unknown>>().notNull().default({}),
    error: jsonb('error').$type<SourceFailure>(),
    documentCount: integer('document_count').notNull().default(0),
    chunkCount: integer('chunk_count').notNull().default(0),
    lastSyncedAt: instant('last_synced_at'),
    /** How often the source is read again by itself, such as `1d`; null: never. */
    syncEvery: text('sync_every'),
    nextSyncAt: instant('next_sync_at'),
    /** Counts the runs. */
    sync: integer('sync').notNull().default(0),
    /** Where a crawl stands: `survey` finds out about the site, `pages` visits it; null: none is under way. */
    syncPhase: text('sync_phase').$type<'survey' | 'pages'>(),
    /** Asked for again while a run was under way. */
    isSyncWanted: boolean('is_sync_wanted').notNull().default(false),
    crawl: jsonb('crawl').$type<CrawlState>(),
    counts: jsonb('counts').$type<SyncCounts>(),
    lastSync: jsonb('last_sync').$type<SyncCounts>(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [
    unique('sources_project_id_unique').on(table.projectId, table.id),
    index('sources_unfinished')
      .on(table.projectId, table.status)
      .where(sql`status in ('queued', 'processing')`),
  ],
);
